package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// routeMoves adds what is asked about aliases and moves.
func routeMoves(m *http.ServeMux, ops *Ops) {
	m.HandleFunc("GET "+pathAliases, answer(func(r *http.Request) (any, error) { return ops.Aliases(r.Context()) }))
	m.HandleFunc("POST "+pathAliases, answer(func(r *http.Request) (any, error) {
		return ops.AddAlias(r.Context(), r.FormValue("who"))
	}))
	m.HandleFunc("DELETE "+pathAliases, answer(func(r *http.Request) (any, error) {
		return ops.RemoveAlias(r.Context(), r.FormValue("who"))
	}))
	m.HandleFunc("GET "+pathMovePlan, answer(func(r *http.Request) (any, error) {
		return ops.PlanMove(r.Context(), moveRequest(r))
	}))
	m.HandleFunc("GET "+pathMove, answer(func(r *http.Request) (any, error) {
		return ops.MoveStatus(r.Context(), moveRequest(r).Former)
	}))
	m.HandleFunc("POST "+pathMove, answer(func(r *http.Request) (any, error) {
		return ops.BeginMove(r.Context(), moveRequest(r))
	}))
	m.HandleFunc("DELETE "+pathMove, answer(func(r *http.Request) (any, error) {
		return ops.CancelMove(r.Context(), moveRequest(r).Former)
	}))
}

func moveRequest(r *http.Request) MoveRequest {
	return MoveRequest{
		Target: r.FormValue("target"), WebFinger: r.FormValue("webfinger") == "true", Former: r.FormValue("former") == "true",
	}
}

func (r MoveRequest) values() url.Values {
	return url.Values{
		"target": {r.Target}, "webfinger": {strconv.FormatBool(r.WebFinger)}, "former": {strconv.FormatBool(r.Former)},
	}
}

// Aliases lists the accounts that this one is also known as.
func (c *Client) Aliases(ctx context.Context) ([]Alias, error) {
	return get[[]Alias](ctx, c, pathAliases, nil)
}

// AddAlias adds an account, named by handle or address.
func (c *Client) AddAlias(ctx context.Context, who string) (Alias, error) {
	return do[Alias](ctx, c, http.MethodPost, pathAliases, url.Values{"who": {who}})
}

// RemoveAlias removes an account that was added.
func (c *Client) RemoveAlias(ctx context.Context, who string) (Alias, error) {
	return do[Alias](ctx, c, http.MethodDelete, pathAliases, url.Values{"who": {who}})
}

// PlanMove checks whether a move is possible.
func (c *Client) PlanMove(ctx context.Context, r MoveRequest) (MovePlan, error) {
	return get[MovePlan](ctx, c, pathMovePlan, r.values())
}

// BeginMove checks again and begins it.
func (c *Client) BeginMove(ctx context.Context, r MoveRequest) (MovePlan, error) {
	return do[MovePlan](ctx, c, http.MethodPost, pathMove, r.values())
}

// MoveStatus tells how far a move is.
func (c *Client) MoveStatus(ctx context.Context, former bool) (MoveStatus, error) {
	return get[MoveStatus](ctx, c, pathMove, MoveRequest{Former: former}.values())
}

// CancelMove takes a move back.
func (c *Client) CancelMove(ctx context.Context, former bool) (MoveStatus, error) {
	return do[MoveStatus](ctx, c, http.MethodDelete, pathMove, MoveRequest{Former: former}.values())
}

// do asks with the method, and with the words of v in the address.
func do[T any](ctx context.Context, c *Client, method, path string, v url.Values) (T, error) {
	return call[T](ctx, c, method, path+"?"+v.Encode(), nil)
}
