// Package config reads what the owner configured: built-in defaults, over them a TOML file, over that the
// CRIER_… variables of the environment.
//
// Invariants:
//   - Strict: an unknown key, a wrong type and a value that cannot work are errors. All of them are reported
//     at once, each with file and line (or variable), key, and what would be right.
//   - One table (settings.go) says which keys there are; file, environment, suggestions and the tests of
//     config.example.toml all read it.
//   - What Load returns is ready to use: absolute paths, canonical hosts and addresses, defaults filled in.
//   - The hook's token appears in no error, warning or log line.
//
// No other package reads the environment or a file for configuration. This package must not contact the
// network, write anything, or check what only a running daemon can know.
package config
