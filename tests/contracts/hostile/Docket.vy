# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A stranger's registry, market and settlement in one: takes rulings, notes them, and misbehaves as told.
"""


DISPUTES: public(address)
REGISTRY: public(address)
owners: HashMap[uint256, address]
calls: public(DynArray[Bytes[132], 32])
refuses: public(bool)
burns: public(bool)
# A call it makes when it is told something.
target: address
data: Bytes[1024]
succeeded: public(bool)


@external
def take_rulings_of(disputes: address, registry: address):
    self.DISPUTES = disputes
    self.REGISTRY = registry


@external
def set_owner(token_id: uint256, owner: address):
    self.owners[token_id] = owner


@external
def misbehave(refuses: bool, burns: bool):
    self.refuses = refuses
    self.burns = burns


@external
def prepare(target: address, data: Bytes[1024]):
    self.target = target
    self.data = data


@external
@view
def ownerOf(token_id: uint256) -> address:
    return self.owners[token_id]


@external
@view
def report_id(market: address, license: uint256, number: uint32) -> bytes32:
    return keccak256(abi_encode(market, license, number))


@external
@view
def report_of(report: bytes32) -> (uint256, uint40, uint8, bytes32):
    return 0, 0, 0, report


@external
@view
def last() -> Bytes[132]:
    return self.calls[len(self.calls) - 1]


@external
@view
def count() -> uint256:
    return len(self.calls)


@external
def hold(work: uint256, until: uint40):
    self._note(abi_encode(work, until, method_id=method_id("hold(uint256,uint40)")))


@external
def hold_report(report: bytes32, held: bool):
    self._note(abi_encode(report, held, method_id=method_id("hold_report(bytes32,bool)")))


@external
def reassign(work: uint256, to: address, clean_since: uint40, keeps_steward: bool):
    self._note(abi_encode(work, to, clean_since, keeps_steward, method_id=method_id("reassign(uint256,address,uint40,bool)")))


@external
def clear_exclusivity(work: uint256):
    self._note(abi_encode(work, method_id=method_id("clear_exclusivity(uint256)")))


@external
def name_steward(work: uint256, steward: address):
    self._note(abi_encode(work, steward, method_id=method_id("name_steward(uint256,address)")))


@external
def void_report(report: bytes32, new_root: bytes32):
    self._note(abi_encode(report, new_root, method_id=method_id("void_report(bytes32,bytes32)")))


@external
def end_license(license: uint256):
    self._note(abi_encode(license, method_id=method_id("end_license(uint256)")))


@internal
def _note(call: Bytes[132]):
    assert not self.refuses, "docket: refused"
    if self.burns:
        for i: uint256 in range(1_000_000):
            self.owners[i] = self
    if self.target != empty(address):
        self.succeeded = raw_call(self.target, self.data, revert_on_failure=False)
    self.calls.append(call)
