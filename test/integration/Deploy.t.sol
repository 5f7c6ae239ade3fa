// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {SlotView} from "../../contracts/interfaces/IReader.sol";
import {BlockPay} from "../../contracts/interfaces/IRewards.sol";
import {IRollup, Phase, Tip} from "../../contracts/interfaces/IRollup.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {L1Slot, Slot} from "../../contracts/types/Time.sol";
import {ClaimRewards} from "../../script/ClaimRewards.s.sol";
import {Deploy, Deployment} from "../../script/Deploy.s.sol";
import {EscrowDeposit} from "../../script/EscrowDeposit.s.sol";
import {EscrowRequestWithdrawal} from "../../script/EscrowRequestWithdrawal.s.sol";
import {EscrowWithdraw} from "../../script/EscrowWithdraw.s.sol";
import {FundRewards} from "../../script/FundRewards.s.sol";
import {InitiateExit} from "../../script/InitiateExit.s.sol";
import {Register} from "../../script/Register.s.sol";
import {ShowSlot} from "../../script/ShowSlot.s.sol";
import {WithdrawStake} from "../../script/WithdrawStake.s.sol";
import {DevToken} from "../../script/dev/DevToken.sol";
import {Configuration} from "../../script/lib/Configuration.sol";
import {Operator} from "../../script/lib/Operator.sol";
import {ConfigurationFixture} from "../support/ConfigurationFixture.sol";

/// @notice The deployment's transactions and its file, and the operator's scripts against it.
contract DeployTest is ConfigurationFixture {
    /// @dev A chain of its own: the scripts read and write deployments/<chain id>.json.
    uint256 internal constant CHAIN = 4_242_001;
    string internal constant FILE = "deployments/4242001.json";

    Deploy internal script;
    Deployment internal deployed;
    address internal operator;

    function setUp() public {
        vm.chainId(CHAIN);
        vm.warp(1_800_000_000);
        script = new Deploy();
        uint256 key;
        (operator, key) = makeAddrAndKey("operator");
        vm.setEnv("FERNET_KEY", vm.toString(bytes32(key)));
        // the transactions come from the script itself here, not from a broadcasting account
        Configuration memory c = _configuration();
        deployed = script.deploy(c, address(script));
        script.record(c, deployed, 77);
        vm.prank(address(script));
        DevToken(address(deployed.token)).mint(operator, 1000e18);
    }

    function test_EverythingIsWired() public view {
        assertEq(deployed.staking.rollup(), address(deployed.rollup));
        assertEq(deployed.escrow.rollup(), address(deployed.rollup));
        assertEq(deployed.rewards.rollup(), address(deployed.rollup));
        assertEq(address(deployed.bridge.rollup()), address(deployed.rollup));
        assertEq(address(deployed.rollup.bridge()), address(deployed.bridge));
        assertEq(address(deployed.rollup.verifier()), address(deployed.verifier));
        assertEq(abi.encode(deployed.reader.parameters()), abi.encode(_parameters()));
        assertEq(deployed.rewards.pot(), 100_000e18);
        assertEq(deployed.token.balanceOf(address(script)), 900_000e18);
        Tip memory tip = deployed.rollup.tip();
        assertEq(tip.stateRoot, bytes32(uint256(7)));
    }

    function test_AnExistingTokenIsUsed() public {
        Configuration memory c = _configuration();
        c.token = address(deployed.token);
        c.rewardPot = 0;
        Deployment memory second = script.deploy(c, address(script));
        assertEq(address(second.token), c.token);
        assertTrue(address(second.rollup) != address(deployed.rollup));
    }

    function test_RevertWhen_TheDeployerIsAnother() public {
        Configuration memory c = _configuration();
        vm.expectPartialRevert(IRollup.WiringMismatch.selector);
        script.deploy(c, operator);
    }

    function test_OnlyTheDeployerMintsTheDevelopmentToken() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        DevToken(address(deployed.token)).mint(address(this), 1);
    }

    function test_TheFileHasAddressesAndCodeHashes() public view {
        string memory json = vm.readFile(FILE);
        assertEq(vm.parseJsonUint(json, ".chainId"), CHAIN);
        assertEq(vm.parseJsonString(json, ".config"), "test");
        assertEq(vm.parseJsonUint(json, ".l1GenesisTime"), 1_700_000_000);
        assertEq(vm.parseJsonUint(json, ".l1SlotSeconds"), 12);
        assertEq(vm.parseJsonUint(json, ".genesisSlot"), L1Slot.unwrap(deployed.rollup.genesisSlot()));
        assertEq(vm.parseJsonUint(json, ".block"), 77);
        assertEq(vm.parseJsonAddress(json, ".contracts.rollup"), address(deployed.rollup));
        assertEq(vm.parseJsonAddress(json, ".contracts.token"), address(deployed.token));
        assertEq(vm.parseJsonBytes32(json, ".codeHashes.rollup"), address(deployed.rollup).codehash);
        assertEq(vm.parseJsonBytes32(json, ".codeHashes.verifier"), address(deployed.verifier).codehash);
    }

    function test_OperatorsRegisterExitAndGetTheStakeBack() public {
        address attester = makeAddr("attester");
        SequencerId id = new Register().run(attester, 3);
        assertEq(SequencerId.unwrap(id), 1);
        assertEq(deployed.staking.sequencer(id).owner, operator);
        assertEq(deployed.staking.sequencer(id).attester, attester);
        assertEq(deployed.token.balanceOf(operator), 900e18);
        new InitiateExit().run(1);
        vm.warp(block.timestamp + 4 * 12);
        new WithdrawStake().run(1);
        assertEq(deployed.token.balanceOf(operator), 1000e18);
    }

    function test_OperatorsDepositAndWithdrawBonds() public {
        new EscrowDeposit().run(operator, 20e18);
        assertEq(deployed.escrow.account(operator).free, 20e18);
        new EscrowRequestWithdrawal().run(5e18);
        vm.warp(block.timestamp + 4 * 12);
        new EscrowWithdraw().run(operator);
        assertEq(deployed.token.balanceOf(operator), 985e18);
    }

    function test_OperatorsFundAndClaimRewards() public {
        new FundRewards().run(1e18);
        assertEq(deployed.rewards.pot(), 100_001e18);
        vm.prank(address(deployed.rollup));
        deployed.rewards
            .settleBlock(
                BlockPay({
                    slot: Slot.wrap(0),
                    sequencer: address(0),
                    prover: operator,
                    submitter: operator,
                    price: 0,
                    revealPhase: 0,
                    revealTook: 0
                })
            );
        // the prover's and the submitter's share of 3e18
        assertEq(new ClaimRewards().run(operator), 1.8e18);
        assertEq(deployed.token.balanceOf(operator), 1000.8e18);
    }

    function test_OperatorsSeeTheSlot() public {
        ShowSlot show = new ShowSlot();
        show.run();
        assertEq(show.phaseName(Phase.Waiting), "waiting");
        assertEq(show.phaseName(Phase.Backup), "backup");
        SlotView memory slot = deployed.reader.currentSlot();
        assertEq(Slot.unwrap(slot.slot), 0);
    }

    function test_RevertWhen_TokensAreMissing() public {
        EscrowDeposit deposit = new EscrowDeposit();
        vm.expectRevert(abi.encodeWithSelector(Operator.InsufficientTokens.selector, operator, 1001e18, 1000e18));
        deposit.run(operator, 1001e18);
    }

    function test_RevertWhen_ThereIsNoDeployment() public {
        vm.chainId(CHAIN + 1);
        ShowSlot show = new ShowSlot();
        vm.expectRevert(abi.encodeWithSelector(Operator.MissingDeployment.selector, "deployments/4242002.json"));
        show.run();
    }

    function test_RevertWhen_TheCodeIsNotTheDeployments() public {
        ShowSlot show = new ShowSlot();
        bytes32 expected = address(deployed.reader).codehash;
        vm.etch(address(deployed.reader), hex"00");
        vm.expectRevert(abi.encodeWithSelector(Operator.WrongCode.selector, "reader", expected, keccak256(hex"00")));
        show.run();
    }
}
