/* global fetch */
// The health check of a container: exit code 0 when the service in it says that it can do its work.
const { OPERATOR_PORT, PORT } = process.env;

fetch(`http://127.0.0.1:${PORT || OPERATOR_PORT}/readyz`).then(
  async (response) => {
    console.log(await response.text());
    process.exitCode = response.ok ? 0 : 1;
  },
  (error) => {
    console.log(error.cause?.message ?? error.message);
    process.exitCode = 1;
  },
);
