package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	readTimeout = 10 * time.Second // for a request, whose largest body is a few words
	maxRequest  = 64 << 10
	stopTimeout = 500 * time.Millisecond
)

// Paths on the control socket; only Client speaks them.
const (
	pathStatus     = "/status"
	pathFollowers  = "/followers"
	pathDeliveries = "/deliveries"
	pathLog        = "/log"
	pathPoll       = "/poll"
	pathLookup     = "/lookup"
	pathAliases    = "/aliases"
	pathMove       = "/move"
	pathMovePlan   = "/move/plan"
)

// Serve answers on the control socket until ctx is done, then returns nil once every answer under way has
// ended or half a second has gone by. There is no limit on the time an answer takes: a poll of slow feeds takes
// minutes, and following the log has no end.
func Serve(ctx context.Context, l net.Listener, ops *Ops) error {
	srv := &http.Server{
		Handler:           handler(ops),
		ReadTimeout:       readTimeout,
		ReadHeaderTimeout: readTimeout,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		_ = srv.Close() // what is left did not end in time; its clients see a broken connection
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handler(ops *Ops) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET "+pathStatus, answer(func(r *http.Request) (any, error) { return ops.Status(r.Context()) }))
	m.HandleFunc("GET "+pathFollowers, answer(func(r *http.Request) (any, error) { return ops.Followers(r.Context()) }))
	m.HandleFunc("GET "+pathLookup, answer(func(r *http.Request) (any, error) {
		return ops.Lookup(r.Context(), r.FormValue("what"))
	}))
	m.HandleFunc("POST "+pathPoll, answer(func(r *http.Request) (any, error) {
		var req PollRequest
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxRequest)).Decode(&req); err != nil {
			return nil, err
		}
		return ops.PollNow(r.Context(), req)
	}))
	routeMoves(m, ops)
	m.HandleFunc("GET "+pathLog, func(w http.ResponseWriter, r *http.Request) { serveLog(ops, w, r) })
	ops.followerRoutes(m)
	ops.blockRoutes(m)
	ops.deliveryRoutes(m)
	ops.postRoutes(m)
	return m
}

// failure is how an error travels: its text, for the owner.
type failure struct {
	Error string `json:"error"`
}

func answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			v = failure{Error: err.Error()}
		}
		_ = json.NewEncoder(w).Encode(v) // fails only where the client is gone
	}
}

// serveLog writes one JSON document for each line, and keeps on doing so where the client follows.
func serveLog(ops *Ops, w http.ResponseWriter, r *http.Request) {
	last, err := strconv.Atoi(r.FormValue("last"))
	after, err2 := strconv.ParseUint(r.FormValue("after"), 10, 64)
	if errors.Join(err, err2) != nil {
		http.Error(w, "last and after: numbers are wanted", http.StatusBadRequest)
		return
	}
	q := LogQuery{Last: last, After: after, Source: r.FormValue("source") == "true"}
	if r.FormValue("follow") != "true" {
		answer(func(r *http.Request) (any, error) { return ops.Log(r.Context(), q) })(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	w.WriteHeader(http.StatusOK)
	_ = out.Flush()
	_ = ops.FollowLog(r.Context(), q, func(l LogLine) error { // the status is out: an error ends the stream
		if err := enc.Encode(l); err != nil {
			return err
		}
		return out.Flush()
	})
}
