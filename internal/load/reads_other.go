//go:build !linux

package main

import (
	"context"
	"errors"
)

const roleStatic = "static"

func measureReads(context.Context, *bench) (string, error) {
	return "", errors.New("processes are pinned to cores, which is written for Linux alone")
}

func runStatic(context.Context) error { return errors.New("there is no reads measure here") }
