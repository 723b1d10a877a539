//go:build pin

// Package geth names the command to build, so that its modules are pinned in go.sum.
package geth

import (
	_ "github.com/ethereum/go-ethereum/cmd/geth"
)
