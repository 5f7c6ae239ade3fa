// hardhat's defaults, but for a first block of a fixed time: nothing of a test depends on the day.
export default {
  networks: { node: { type: "edr-simulated", chainType: "l1", initialDate: "2026-01-01T00:00:00Z" } },
};
