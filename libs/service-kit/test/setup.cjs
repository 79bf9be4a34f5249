// Sets up a service that has one table of its own.
const { runSetup } = require('../src/service/setup.ts');
const { things } = require('./things.ts');

runSetup(things);
