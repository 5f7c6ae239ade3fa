// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ScalarField} from "../../contracts/verifier/ScalarField.sol";

/// @notice BLS12-381 for tests, with the precompiles of EIP-2537: multiples of generators, and compressed points as in
/// KZG.
library Curve {
    using ScalarField for uint256;

    error PrecompileFailed();

    bytes internal constant G1 = hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0f"
        hex"c3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4"
        hex"fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";
    bytes internal constant G2 = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051"
        hex"c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65"
        hex"596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351a"
        hex"adfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
        hex"000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99"
        hex"cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be";
    /// @notice The generator times tau from Ethereum's KZG ceremony: second monomial G1 point of its trusted setup.
    bytes internal constant TAU_G1 = hex"000000000000000000000000000000000d3eb50121139aa34db1d545093ac937"
        hex"4ab7bca2c0f3bf28e27c8dcd8fc7cb42d25926fc0c97b336e9f0fb35e5a04c81"
        hex"0000000000000000000000000000000017de623f59a3043952d2f637a935fae1"
        hex"4b6dee8b255e526304963d58ab6f1a827c7de623d34d394f8a3d0f57d6e972b9";

    /// @notice A point of cofactor order on the curve of G1: the multiple by r of the first point with x = 1, 2 and so
    /// on.
    bytes internal constant COFACTOR_G1 = hex"000000000000000000000000000000000ccd40884cb1834492efbd0149a41453"
        hex"5890f30477f9535103082ff438ca13d7f7e36e2f1d15dd8ca30397f12170831a"
        hex"00000000000000000000000000000000157112d2c2dfffc1f042dd01e9cc104f"
        hex"0609ada5f5fb621f5eb44c9b1b3174267681bbdea41aacc3af76740445774b94";
    /// @notice A point of cofactor order on the curve of G2: the multiple by r of the first point with x = 1 + u, 2 + u
    /// and so on.
    bytes internal constant COFACTOR_G2 = hex"0000000000000000000000000000000001f25b971f88673a879fd835ed521a7d"
        hex"d9ca5ff815d1f8875da864648644d13fc1a29e9e2610e17febed7481715d5ea6"
        hex"000000000000000000000000000000000a04da912b3363e00a0545d58e7757f7"
        hex"b60e7a25568adcb3af55dad724d304f7c4742819d1f6a9bf545a719c2fe86214"
        hex"000000000000000000000000000000001452546efed72d53c7ed3a559ddcd329"
        hex"1c8235b2f4c82109971fcffea78cedce05c0fdaa27ab7f36ca96f831b390c328"
        hex"000000000000000000000000000000000418673ae18a5c7c927d60b9aff4b158"
        hex"bc7bea17c3559a82d12dcb18540cff91ea7428cd3245bca39114bde4bb1abb8b";

    /// @notice (modulus of Fp - 1) / 2, as two words.
    uint256 private constant HALF_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;

    function mul1(bytes memory point, uint256 scalar) internal view returns (bytes memory) {
        return _call(address(0x0c), bytes.concat(point, bytes32(scalar % ScalarField.ORDER)));
    }

    function mul2(bytes memory point, uint256 scalar) internal view returns (bytes memory) {
        return _call(address(0x0e), bytes.concat(point, bytes32(scalar % ScalarField.ORDER)));
    }

    function add1(bytes memory a, bytes memory b) internal view returns (bytes memory) {
        return _call(address(0x0b), bytes.concat(a, b));
    }

    function add2(bytes memory a, bytes memory b) internal view returns (bytes memory) {
        return _call(address(0x0d), bytes.concat(a, b));
    }

    /// @notice 48-byte form of a point of G1.
    function compress(bytes memory point) internal pure returns (bytes memory compressed) {
        (uint256 xHigh, uint256 xLow, uint256 yHigh, uint256 yLow) =
            abi.decode(point, (uint256, uint256, uint256, uint256));
        uint128 flags = 1 << 127;
        if (xHigh == 0 && xLow == 0 && yHigh == 0 && yLow == 0) flags |= 1 << 126;
        else if (yHigh > HALF_HIGH || (yHigh == HALF_HIGH && yLow > HALF_LOW)) flags |= 1 << 125;
        // Cast: coordinates are below 2^381.
        return abi.encodePacked(flags | uint128(xHigh), xLow);
    }

    function inverse(uint256 a) internal pure returns (uint256 result) {
        result = 1;
        for (uint256 e = ScalarField.ORDER - 2; e != 0; e >>= 1) {
            if (e & 1 != 0) result = result.mul(a);
            a = a.mul(a);
        }
    }

    function _call(address precompile, bytes memory input) private view returns (bytes memory) {
        (bool ok, bytes memory output) = precompile.staticcall(input);
        if (!ok || output.length == 0) revert PrecompileFailed();
        return output;
    }
}

/// @notice A blob polynomial c0 + c1·X, the smallest with two given values. Its KZG proof is c1 times the generator at
/// every point.
struct Line {
    uint256 c0;
    uint256 c1;
}

/// @notice Real KZG commitments and openings with Ethereum's trusted setup, for linear blobs.
library Lines {
    using ScalarField for uint256;

    /// @notice The linear polynomial with the values y0 at x0 and y1 at x1.
    function through(uint256 x0, uint256 y0, uint256 x1, uint256 y1) internal pure returns (Line memory line) {
        line.c1 = y1.sub(y0).mul(Curve.inverse(x1.sub(x0)));
        line.c0 = y0.sub(line.c1.mul(x0));
    }

    function valueAt(Line memory line, uint256 x) internal pure returns (uint256) {
        return line.c1.mul(x).add(line.c0);
    }

    function commitment(Line memory line) internal view returns (bytes memory) {
        return Curve.compress(Curve.add1(Curve.mul1(Curve.G1, line.c0), Curve.mul1(Curve.TAU_G1, line.c1)));
    }

    function opening(Line memory line) internal view returns (bytes memory) {
        return Curve.compress(Curve.mul1(Curve.G1, line.c1));
    }

    function versionedHash(Line memory line) internal view returns (bytes32) {
        bytes32 hash = sha256(commitment(line));
        return bytes32((uint256(hash) & (type(uint256).max >> 8)) | (uint256(1) << 248));
    }
}
