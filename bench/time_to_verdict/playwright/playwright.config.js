// Two workers, as the documentation advises for a machine with two cores; no browser is started.
module.exports = {
  testDir: __dirname,
  fullyParallel: true,
  workers: 2,
  retries: 0,
  reporter: [["line"], ["junit", { outputFile: process.env.REPORT }]],
  globalSetup: require.resolve("./accounts.js"),
  use: { baseURL: process.env.PRODUCTION_URL },
};
