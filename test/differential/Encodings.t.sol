// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rollup} from "../../contracts/Rollup.sol";
import {Header, IRollup, Quote} from "../../contracts/interfaces/IRollup.sol";
import {Hashing} from "../../contracts/libraries/Hashing.sol";
import {Ranking} from "../../contracts/libraries/Ranking.sol";
import {SequencerId} from "../../contracts/types/Ids.sol";
import {Record} from "../../contracts/types/State.sol";
import {Timeline} from "../../contracts/types/Timeline.sol";
import {Fixture} from "../support/Fixture.sol";
import {Vectors} from "../support/Vectors.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Scores, rankings, headers and quotes against the client's
contract EncodingVectorsTest is Fixture, Vectors {
    using Ranking for Record;

    /// @dev Puts the rollup's code at the address and on the chain of a vector.
    function _at(address where, uint256 chainId) private returns (Rollup) {
        vm.etch(where, address(rollup).code);
        vm.chainId(chainId);
        return Rollup(where);
    }

    /// @custom:rule D1
    function test_scores() public {
        _load("scores");
        uint256[][4] memory c = [_uints("chainId"), _uints("slot"), _uints("sequencer"), _uints("score")];
        address[] memory where = _addresses("rollup");
        address[] memory attester = _addresses("attester");
        bytes32[] memory seed = _words("seed");
        for (uint256 i = 0; i < seed.length; ++i) {
            SequencerId id = SequencerId.wrap(_u32(c[2][i]));
            vm.chainId(c[0][i]);
            uint192 score = scoring.score(where[i], _slot(c[1][i]), seed[i], id, attester[i], "");
            assertEq(score, c[3][i], vm.toString(i));
        }
    }

    /// @custom:rule F2, J4
    function test_domains() public {
        _load("domain");
        uint256[] memory chainId = _uints("chainId");
        uint256[] memory domain = _uints("domain");
        address[] memory where = _addresses("rollup");
        bytes32[] memory genesis = _words("genesisHash");
        for (uint256 i = 0; i < domain.length; ++i) {
            assertEq(_at(where[i], chainId[i]).domain(), domain[i], vm.toString(i));
            assertEq(Hashing.genesis(where[i]), genesis[i], vm.toString(i));
        }
    }

    /// @custom:rule C1
    function test_quotes() public {
        _load("quotes");
        uint256[][6] memory c = [
            _uints("chainId"),
            _uints("slot"),
            _uints("sequencer"),
            _uints("bond"),
            _uints("validUntil"),
            _uints("privateKey")
        ];
        int256[] memory price = _ints("price");
        bool negative;
        address[][3] memory a = [_addresses("rollup"), _addresses("prover"), _addresses("payee")];
        bytes32[] memory headerHash = _words("headerHash");
        bytes32[] memory digest = _words("digest");
        bytes[] memory signature = vm.parseJsonBytesArray(json, ".signature");
        for (uint256 i = 0; i < digest.length; ++i) {
            assertLe(c[3][i], type(uint128).max);
            Quote memory quote = Quote({
                slot: _slot(c[1][i]),
                headerHash: headerHash[i],
                sequencer: SequencerId.wrap(_u32(c[2][i])),
                prover: a[1][i],
                payee: a[2][i],
                // Cast: compared just before.
                bond: uint128(c[3][i]),
                price: _i128(price[i]),
                validUntil: _l1(c[4][i])
            });
            assertEq(_at(a[0][i], c[0][i]).quoteDigest(quote), digest[i], vm.toString(i));
            assertEq(vm.addr(c[5][i]), quote.prover);
            assertEq(ECDSA.recover(digest[i], signature[i]), quote.prover, vm.toString(i));
            negative = negative || quote.price < 0;
        }
        assertTrue(negative, "a price below zero");
    }

    /// @custom:rule V1
    function test_headers() public {
        _load("headers");
        uint256[][6] memory c = [
            _uints("slot"),
            _uints("depositsEnd"),
            _uints("feeRecipient"),
            _uints("chunks"),
            _uints("blobs"),
            _uints("exitsEnd")
        ];
        bytes32[][7] memory w = [
            _words("parent"),
            _words("stateRoot"),
            _words("committeeDigest"),
            _words("blobHashes"),
            _words("hash"),
            _words("depositsChain"),
            _words("exitsChain")
        ];
        address[] memory vote = _addresses("vote");
        bytes[] memory encoded = vm.parseJsonBytesArray(json, ".encoded");
        uint256 next;
        for (uint256 i = 0; i < encoded.length; ++i) {
            bytes32[] memory blobs = new bytes32[](c[4][i]);
            for (uint256 j = 0; j < blobs.length; ++j) {
                blobs[j] = w[3][next++];
            }
            Header memory header = Header({
                slot: _slot(c[0][i]),
                parent: w[0][i],
                stateRoot: w[1][i],
                depositsEnd: _u64(c[1][i]),
                depositsChain: w[5][i],
                exitsEnd: _u64(c[5][i]),
                exitsChain: w[6][i],
                feeRecipient: _u32(c[2][i]),
                chunks: _u32(c[3][i]),
                committeeDigest: w[2][i],
                vote: vote[i],
                blobHashes: blobs
            });
            assertEq(abi.encode(header), encoded[i], vm.toString(i));
            assertEq(reader.headerHash(header), w[4][i], vm.toString(i));
        }
    }

    Record private _record;

    function insert(uint256 max, uint32 id, uint192 score) external {
        _record.insert(_record.timeline, max, SequencerId.wrap(id), score, bytes32(uint256(id)));
    }

    /// @custom:rule P2, P3
    function test_candidates() public {
        _load("candidates");
        uint256[][7] memory c = [
            _uints("maxCandidates"),
            _uints("sequencer"),
            _uints("score"),
            _uints("outcome"),
            _uints("displaced"),
            _uints("count"),
            _uints("ranked")
        ];
        for (uint256 i = 0; i < c[0].length; ++i) {
            _record.timeline = Timeline.wrap(0);
            for (uint256 j = 8 * i; j < 8 * i + 8; ++j) {
                // Cast: scores of the vectors are small.
                uint192 score = uint192(c[2][j]);
                assertEq(score, c[2][j]);
                if (c[3][j] == 1) vm.expectPartialRevert(IRollup.AlreadyProposed.selector);
                if (c[3][j] == 2) vm.expectPartialRevert(IRollup.ScoreTooLow.selector);
                if (c[4][j] != 0) {
                    vm.expectEmit();
                    emit IRollup.Displaced(_slot(0), SequencerId.wrap(_u32(c[4][j])), bytes32(c[4][j]));
                }
                this.insert(c[0][i], _u32(c[1][j]), score);
            }
            assertEq(_record.timeline.count(), c[5][i], vm.toString(i));
            for (uint256 rank = 0; rank < c[5][i]; ++rank) {
                uint256 position = _record.timeline.indexOf(rank);
                assertEq(SequencerId.unwrap(_record.candidates[position].sequencer), c[6][4 * i + rank]);
            }
        }
    }
}
