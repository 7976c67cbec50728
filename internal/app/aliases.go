package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	aliasFile    = "aliases.json" // below the data directory: handle → actor, as last looked up
	aliasTimeout = 5 * time.Second
)

// aliasBook turns the handles in account.also_known_as into the actor ids that the actor document needs,
// and remembers them: an alias must not vanish, while an account moves in, because its server did not
// answer at a restart of ours.
type aliasBook struct {
	path   string
	log    *slog.Logger
	lookup func(ctx context.Context, what string) (json.RawMessage, string, error) // nil: what is known must do
}

// resolve returns the actor ids of accounts named by handle or id. A handle is looked up once; one that
// cannot be is left out for now, and said so in the log.
func (b aliasBook) resolve(ctx context.Context, accounts []string) []string {
	known := b.read()
	missing := slices.DeleteFunc(slices.Clone(accounts), func(s string) bool { return isWeb(s) || known[s] != "" })
	if len(missing) > 0 && b.lookup != nil {
		b.find(ctx, missing, known)
		b.write(known)
	}
	var out []string
	for _, s := range accounts {
		if !isWeb(s) {
			s = known[s]
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// find looks all of them up at the same time, into known.
func (b aliasBook) find(ctx context.Context, handles []string, known map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, aliasTimeout)
	defer cancel()
	var mu sync.Mutex // guards known
	var wg sync.WaitGroup
	for _, h := range handles {
		wg.Go(func() {
			id, err := b.actorOf(ctx, h)
			if err != nil {
				b.log.Warn("an account in account.also_known_as is left out until the next start", "account", h, "err", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			known[h] = id
		})
	}
	wg.Wait()
}

func (b aliasBook) actorOf(ctx context.Context, handle string) (string, error) {
	doc, _, err := b.lookup(ctx, handle)
	if err != nil {
		return "", err
	}
	var actor struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(doc, &actor); err != nil {
		return "", fmt.Errorf("read the actor of %s: %w", handle, err)
	}
	if !strings.HasPrefix(actor.ID, "http") {
		return "", fmt.Errorf("the actor of %s has no id", handle)
	}
	return actor.ID, nil
}

// read returns what is remembered; a file that is missing or damaged is nothing.
func (b aliasBook) read() map[string]string {
	known := map[string]string{}
	body, err := os.ReadFile(b.path)
	if err == nil {
		err = json.Unmarshal(body, &known)
	}
	if err != nil || known == nil {
		return map[string]string{}
	}
	return known
}

func (b aliasBook) write(known map[string]string) {
	body, err := json.MarshalIndent(known, "", "  ")
	if err == nil {
		err = os.WriteFile(b.path, body, 0o600)
	}
	if err != nil {
		b.log.Warn("the accounts in account.also_known_as cannot be remembered", "err", err)
	}
}
