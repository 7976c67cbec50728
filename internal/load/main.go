package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"crier/internal/budget"
)

// roles are the processes that the program starts of itself, by the value of roleVariable.
const roleVariable = "CRIER_LOAD_ROLE"

// measure is one row of the table.
type measure struct {
	name    string
	budgets []string // by their names, in the order in which the result tells the figures
	run     func(context.Context, *bench) (string, error)
}

func measures() []measure {
	return []measure{
		{"wave", []string{"delivery.plain"}, measureWave},
		{"tls", []string{"delivery.tls"}, measureTLS},
		{"rate", []string{"delivery.rate"}, measureRate},
		{"distant", []string{"delivery.distant"}, measureDistant},
		{"faults", []string{"delivery.faults"}, measureFaults},
		{"crowd", []string{"memory.crowd"}, measureCrowd},
		{"idle", []string{"memory.idle", "start.crowd"}, measureIdle},
		{"fresh", []string{"memory.fresh", "start.fresh"}, measureFresh},
		{"follows", []string{"follow.new", "follow.known"}, measureFollows},
		{"deletes", []string{"delete.unknown"}, measureDeletes},
		{"flood", []string{"memory.flood"}, measureFlood},
		{"polls", []string{"poll.unchanged", "poll.long"}, measurePolls},
		{"still", []string{"cpu.still"}, measureStill},
		{"growth", []string{"growth.start", "growth.memory", "growth.status"}, measureGrowth},
		{"reads", []string{"read.actor", "read.webfinger", "read.post"}, measureReads},
	}
}

// row is the table's line for a measure with this result.
func (m measure) row(result string) (string, error) {
	var what, must []string
	for _, name := range m.budgets {
		b, err := budget.Find(name)
		if err != nil {
			return "", err
		}
		what, must = append(what, b.What), append(must, b.String())
	}
	return fmt.Sprintf("| %s | %s | %s |", strings.Join(what, "; "), result, strings.Join(must, "; ")), nil
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
	case roleInbox:
		return runInbox(ctx)
	case roleStatic:
		return runStatic(ctx)
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
		row, err := m.row(result)
		if err != nil {
			return err
		}
		fmt.Println(row)
	}
	return ctx.Err()
}
