package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"crier/store"
)

const (
	pathBlocks  = "/blocks"
	pathUnblock = "/blocks/remove"
)

// Block is an actor or a domain that the owner has blocked.
type Block struct {
	What   string    `json:"what"` // id of the actor, or the domain
	Kind   string    `json:"kind"` // "actor" or "domain"
	Handle string    `json:"handle,omitempty"`
	Since  time.Time `json:"since"`
	Note   string    `json:"note"` // the owner's own
}

// BlockRequest says what shall be blocked, or not any longer.
type BlockRequest struct {
	What string `json:"what"` // handle, address of an actor, or domain
	Note string `json:"note,omitempty"`
}

// BlockChange is what a block did.
type BlockChange struct {
	Block
	Known      bool   `json:"known"`      // it was blocked before
	Followers  int    `json:"followers"`  // that were removed
	Deliveries int    `json:"deliveries"` // that were dropped
	Doubt      string `json:"doubt,omitempty"`
}

// BlockOf shows a block of the store.
func BlockOf(b store.Block) Block {
	return Block{What: b.What, Kind: string(b.Kind), Handle: b.Handle, Since: b.Since, Note: b.Note}
}

// Blocks lists what is blocked, newest first.
func (o *Ops) Blocks(context.Context) ([]Block, error) {
	list, err := o.Store.Blocks()
	if err != nil {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	slices.SortStableFunc(list, func(a, b store.Block) int { return b.Since.Compare(a.Since) })
	out := make([]Block, len(list))
	for i, b := range list {
		out[i] = BlockOf(b)
	}
	return out, nil
}

// AddBlock blocks an actor or a domain; it holds when this returns.
func (o *Ops) AddBlock(ctx context.Context, r BlockRequest) (BlockChange, error) {
	return o.Block(ctx, r)
}

// RemoveBlock lifts a block.
func (o *Ops) RemoveBlock(ctx context.Context, r BlockRequest) (Block, error) {
	return o.Unblock(ctx, r.What)
}

// Blocks lists what is blocked, newest first.
func (c *Client) Blocks(ctx context.Context) ([]Block, error) {
	return get[[]Block](ctx, c, pathBlocks, nil)
}

// AddBlock blocks an actor or a domain; it holds when this returns.
func (c *Client) AddBlock(ctx context.Context, r BlockRequest) (BlockChange, error) {
	return sendTo[BlockChange](ctx, c, pathBlocks, r)
}

// RemoveBlock lifts a block.
func (c *Client) RemoveBlock(ctx context.Context, r BlockRequest) (Block, error) {
	return sendTo[Block](ctx, c, pathUnblock, r)
}

func (o *Ops) blockRoutes(m *http.ServeMux) {
	m.HandleFunc("GET "+pathBlocks, answer(func(r *http.Request) (any, error) { return o.Blocks(r.Context()) }))
	m.HandleFunc("POST "+pathBlocks, answer(func(r *http.Request) (any, error) {
		req, err := requestOf[BlockRequest](r)
		if err != nil {
			return nil, err
		}
		return o.AddBlock(r.Context(), req)
	}))
	m.HandleFunc("POST "+pathUnblock, answer(func(r *http.Request) (any, error) {
		req, err := requestOf[BlockRequest](r)
		if err != nil {
			return nil, err
		}
		return o.RemoveBlock(r.Context(), req)
	}))
}
