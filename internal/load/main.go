package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// roles are the processes that the program starts of itself, by the value of roleVariable.
const roleVariable = "CRIER_LOAD_ROLE"

// measure is one row of the table.
type measure struct {
	name string
	what string
	must string // what has to be reached
	run  func(context.Context, *bench) (string, error)
}

func measures() []measure {
	return []measure{
		{"wave", "CPU of a delivery over plain http with kept connections, in bare RSA-2048 signatures", "≤ 1.35", measureWave},
		{"tls", "CPU of a delivery over new TLS connections, beside a bare client that signs and posts", "≤ 1.15", measureTLS},
		{"rate", "deliveries per second to 2,000 hosts, beside bare signing on all cores", "≥ 0.75", measureRate},
		{"distant", "200 hosts over TLS that answer after 100 ms: last arrival, beside the bare client", "≤ 1.5", measureDistant},
		{"faults", "2,000 hosts, 10 % dead, 10 % hanging, 10 % busy: last healthy one, beside all healthy", "≤ 1.1", measureFaults},
		{"crowd", "peak anonymous memory while a post goes to 30,000 inboxes of 1,000,000 followers", "≤ 96 MiB", measureCrowd},
		{"idle", "anonymous memory idle, and start to first answer, with 1,000,000 followers", "≤ 32 MiB; ≤ 300 ms", measureIdle},
		{"fresh", "resident memory of a new store after 60 s, and start to first answer", "≤ 17 MiB; ≤ 20 ms", measureFresh},
		{"follows", "Follows per second of actors never seen, and of known ones, 8 at a time", "≥ 400/s; ≥ 900/s", measureFollows},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	switch os.Getenv(roleVariable) {
	case "":
	case roleClient:
		return runClient(ctx)
	default:
		return fmt.Errorf("there is no role %q", os.Getenv(roleVariable))
	}
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Println("| measure | result | must reach |\n|---|---|---|")
	for _, m := range measures() {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		result, err := m.run(ctx, b)
		if err != nil {
			result = "failed: " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Printf("| %s | %s | %s |\n", m.what, result, m.must)
	}
	return ctx.Err()
}
