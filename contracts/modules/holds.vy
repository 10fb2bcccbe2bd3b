# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title How long something may be on hold, and by whom
@license GNU Affero General Public License v3.0 only
@notice Two kinds of hold on one subject, which add nothing to each other: one that a case asked and pays for, and one
        that the arbiter ordered. Asked holds of all cases together draw on one budget of 90 days, which is full again
        after 180 days without any; a short one does not use it up, so nobody makes a subject immune by a sham.
"""


struct Hold:
    asker: uint256  # the case whose asked hold is not counted yet; zero: none
    asked_from: uint256  # UTC seconds
    asked_until: uint256
    used: uint256  # seconds of asked hold since the budget was full
    ended_at: uint256  # when the last of them ended
    orderer: uint256  # the case in which the arbiter ordered a hold; zero: none
    ordered_until: uint256


DAY: constant(uint256) = 86_400
BUDGET: constant(uint256) = 90 * DAY
REST: constant(uint256) = 180 * DAY

holds: HashMap[bytes32, Hold]


@deploy
def __init__():
    pass


# ---- for the importing contract -----------------------------------------------------------------------


@internal
@view
def _left(key: bytes32) -> uint256:
    """
    @return Seconds of asked hold that a case could still ask for, once the running one, if any, has ended.
    """
    hold: Hold = self.holds[key]
    used: uint256 = hold.used
    ended_at: uint256 = hold.ended_at
    if hold.asker != 0:
        used += hold.asked_until - hold.asked_from
        ended_at = hold.asked_until
    if block.timestamp >= ended_at + REST:
        return BUDGET
    return BUDGET - used


@internal
@view
def _asked_until(key: bytes32) -> uint256:
    return self._if_running(self.holds[key].asked_until)


@internal
@view
def _ordered_until(key: bytes32) -> uint256:
    return self._if_running(self.holds[key].ordered_until)


@internal
@view
def _until(key: bytes32) -> uint256:
    """
    @return Until when the subject is on hold, by whichever; zero: it is not.
    """
    return max(self._asked_until(key), self._ordered_until(key))


@internal
@view
def _if_running(until: uint256) -> uint256:
    return until if until > block.timestamp else 0


@internal
def _ask(key: bytes32, case: uint256, length: uint256):
    """
    @dev The caller has ended the hold before. Reverts when the budget does not suffice.
    """
    assert self.holds[key].asker == 0, "disputes: an asked hold is running"
    assert length <= self._left(key), "disputes: held long enough"
    if block.timestamp >= self.holds[key].ended_at + REST:
        self.holds[key].used = 0
    self.holds[key].asker = case
    self.holds[key].asked_from = block.timestamp
    self.holds[key].asked_until = block.timestamp + length


@internal
def _end(key: bytes32) -> uint256:
    """
    @return For how many seconds the asked hold lasted; it is over now.
    """
    hold: Hold = self.holds[key]
    end: uint256 = min(block.timestamp, hold.asked_until)
    length: uint256 = end - hold.asked_from
    self.holds[key].asker = 0
    self.holds[key].asked_until = 0
    self.holds[key].used = hold.used + length
    self.holds[key].ended_at = end
    return length


@internal
def _order(key: bytes32, case: uint256, until: uint256):
    """
    @dev Of several orders the last one counts: they come from one arbiter.
    """
    self.holds[key].orderer = case
    self.holds[key].ordered_until = until


@internal
def _unorder(key: bytes32, case: uint256) -> bool:
    """
    @return Whether it was this case's order.
    """
    if self.holds[key].orderer != case:
        return False
    self.holds[key].orderer = 0
    self.holds[key].ordered_until = 0
    return True
