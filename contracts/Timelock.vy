# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Timelock: the protocol's owner
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/ITimelock.vyi`.
"""

from snekmate.auth import access_control
from snekmate.governance import timelock_controller

from .interfaces import ITimelock


implements: ITimelock

initializes: access_control
initializes: timelock_controller[access_control := access_control]


# Receiving NFTs is left out, and so is ETH: the owner of the protocol holds nothing. So is handing out the
# admin role by another account than the timelock itself: there is none that has it.
exports: (
    timelock_controller.PROPOSER_ROLE,
    timelock_controller.EXECUTOR_ROLE,
    timelock_controller.CANCELLER_ROLE,
    timelock_controller.DEFAULT_ADMIN_ROLE,
    timelock_controller.hasRole,
    timelock_controller.getRoleAdmin,
    timelock_controller.grantRole,
    timelock_controller.revokeRole,
    timelock_controller.renounceRole,
    timelock_controller.get_timestamp,
    timelock_controller.get_minimum_delay,
    timelock_controller.is_operation,
    timelock_controller.is_operation_pending,
    timelock_controller.is_operation_ready,
    timelock_controller.is_operation_done,
    timelock_controller.get_operation_state,
    timelock_controller.hash_operation,
    timelock_controller.hash_operation_batch,
    timelock_controller.schedule,
    timelock_controller.schedule_batch,
    timelock_controller.cancel,
    timelock_controller.execute,
    timelock_controller.execute_batch,
    timelock_controller.update_delay,
)


interface Owned:
    def accept_ownership(): nonpayable


MINIMUM: constant(uint256) = 3_600  # seconds


@deploy
def __init__(delay: uint256, proposers: DynArray[address, 16], executors: DynArray[address, 16]):
    # An hour is too short for anything but a mistake in the unit.
    assert delay >= MINIMUM, "timelock: delay too short"
    assert len(proposers) != 0 and len(executors) != 0, "timelock: nobody to act"
    assert empty(address) not in proposers, "timelock: anybody could propose"
    access_control.__init__()
    timelock_controller.__init__(delay, proposers, executors, empty(address))


@external
def accept(contract: address):
    # No delay: whoever owned it has decided, and becoming an owner changes nothing for anybody.
    extcall Owned(contract).accept_ownership()
