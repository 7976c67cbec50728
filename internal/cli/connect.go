package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"crier/internal/admin"
	"crier/internal/app"
	"crier/internal/config"
)

// operator is what the owner can ask and do. The daemon on its socket (admin.Client) and the store opened
// by this process (admin.Ops) both are one.
type operator interface {
	Status(context.Context) (admin.Status, error)
	Followers(context.Context) ([]admin.Follower, error)
	Posts(context.Context) ([]admin.Post, error)
	ShowPost(context.Context, string) (admin.PostDetail, error)
	DoPost(context.Context, admin.PostRequest) (admin.PostDone, error)
	FindDeliveries(context.Context, admin.DeliveryQuery) ([]admin.Delivery, error)
	Log(context.Context, admin.LogQuery) ([]admin.LogLine, error)
	PollNow(context.Context, admin.PollRequest) (admin.PollResult, error)
	Lookup(context.Context, string) (admin.Found, error)
	SettleDeliveries(context.Context, admin.DeliveryRequest) (admin.DeliveryChange, error)
	DecideFollowers(context.Context, admin.FollowerRequest) ([]admin.FollowerChange, error)
	Blocks(context.Context) ([]admin.Block, error)
	AddBlock(context.Context, admin.BlockRequest) (admin.BlockChange, error)
	RemoveBlock(context.Context, admin.BlockRequest) (admin.Block, error)

	Aliases(context.Context) ([]admin.Alias, error)
	AddAlias(context.Context, string) (admin.Alias, error)
	RemoveAlias(context.Context, string) (admin.Alias, error)
	PlanMove(context.Context, admin.MoveRequest) (admin.MovePlan, error)
	BeginMove(context.Context, admin.MoveRequest) (admin.MovePlan, error)
	MoveStatus(ctx context.Context, former bool) (admin.MoveStatus, error)
	CancelMove(ctx context.Context, former bool) (admin.MoveStatus, error)
}

// loadConfig reads the configuration; its warnings are for those who start the daemon.
func (e *env) loadConfig() (*config.Config, []config.Warning, error) {
	return config.Load(e.configPath, e.configExplicit, e.Environ)
}

// withOperator runs f with the daemon if one runs, else with the store, which it holds as long as f runs.
func (e *env) withOperator(ctx context.Context, store app.StoreUse, f func(operator) error) error {
	cfg, _, err := e.loadConfig()
	if err != nil {
		return err
	}
	client, err := admin.Dial(cfg.DataDir)
	if err == nil {
		return f(client)
	}
	if !errors.Is(err, admin.ErrNoDaemon) {
		return err
	}
	off, err := app.OpenOffline(ctx, cfg, app.OfflineOptions{Log: e.quietLog(), Version: Version, Store: store})
	if errors.Is(err, app.ErrLocked) {
		// A daemon that was starting up may have its socket by now.
		if client, dialErr := admin.Dial(cfg.DataDir); dialErr == nil {
			return f(client)
		}
		return fmt.Errorf("%w and does not answer at %s: it is starting or stopping, or must be stopped",
			err, admin.SocketPath(cfg.DataDir))
	}
	if err != nil {
		return err
	}
	return errors.Join(f(off.Ops), off.Close())
}

// quietLog is for a command that opens the store itself: what it has to say, it prints.
func (e *env) quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(e.Err, &slog.HandlerOptions{Level: slog.LevelError}))
}

// printJSON writes v as one indented JSON document.
func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(jsonOut{e.Out})
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
