package app

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// websubPrefix is where hubs call back.
const websubPrefix = "/websub/"

// maxBody is the largest request body that is read: an activity of another server fits in many times.
const maxBody = 1 << 20

// handler is everything the public address answers. The middlewares stand around the whole router, since
// mux leaves its own out where no route matches. What is the account's passes that router by: it makes a copy of every
// request, which costs more than most answers do.
func (a *App) handler() http.Handler {
	r := mux.NewRouter().SkipClean(true) // else POST //inbox is redirected, and clients lose the body
	r.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	r.HandleFunc("/readyz", a.serveReady)
	r.HandleFunc("/hook", a.serveHookRequest)
	r.HandleFunc("/media/{name}", a.serveMedia)
	r.PathPrefix(websubPrefix).Handler(a.core.websub.Handler())
	account := a.core.dispatch(a.core.server.Handler())
	r.PathPrefix("/").Handler(account)
	return a.recovered(a.limited(a.logged(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if isAccounts(q.URL.Path) {
			account.ServeHTTP(w, q)
			return
		}
		r.ServeHTTP(w, q)
	}))))
}

// isAccounts reports whether a path is one of the account's for certain.
func isAccounts(path string) bool {
	for _, prefix := range []string{"/users/", "/posts/", "/.well-known/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return path == "/inbox"
}

func (a *App) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !a.core.server.Ready() {
		text(w, http.StatusServiceUnavailable, "the store does not answer")
		return
	}
	if a.db.Trouble() != nil {
		text(w, http.StatusServiceUnavailable, "the store cannot be written: see the log")
		return
	}
	text(w, http.StatusOK, "ok")
}

// serveHookRequest polls in the background. Without a configured token the hook does not exist.
func (a *App) serveHookRequest(w http.ResponseWriter, r *http.Request) {
	token := string(a.cfg.HookToken)
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case token == "":
		text(w, http.StatusNotFound, "not found")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		text(w, http.StatusMethodNotAllowed, "POST it")
	case !strings.EqualFold(scheme, "Bearer") || !sameSecret(token, given):
		w.Header().Set("WWW-Authenticate", "Bearer")
		text(w, http.StatusUnauthorized, "send the configured hook_token as \"Authorization: Bearer TOKEN\"")
	default:
		select {
		case a.hook <- struct{}{}:
		default: // a poll is wanted already
		}
		text(w, http.StatusAccepted, "polling")
	}
}

// sameSecret takes the same time wherever the two differ, also in length.
func sameSecret(want, got string) bool {
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(got))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, s+"\n")
}

// isHub reports whether a request is a hub's, or says so.
func isHub(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, websubPrefix) }

// recovered keeps a programming error in one request from ending the daemon.
func (a *App) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			a.log.Error("a request failed; please report this", "panic", v, "path", shownPath(r.URL.Path), "stack", string(debug.Stack()))
			w.WriteHeader(http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// logged writes a line for each request, at Debug since strangers make them, and puts the address of the
// real client into the request where a trusted proxy names it.
func (a *App) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := realClient(r, a.cfg.TrustedProxies); ok {
			r.RemoteAddr = net.JoinHostPort(client.String(), "0")
		}
		if !a.log.Enabled(r.Context(), slog.LevelDebug) {
			next.ServeHTTP(w, r)
			return
		}
		start := time.Now()
		counted := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(counted, r)
		a.log.Debug("request", "method", r.Method, "path", shownPath(r.URL.Path), "status", counted.status,
			"client", r.RemoteAddr, "took", time.Since(start))
	})
}

// shownPath is a path for the log. Who knows a callback of ours may speak as the hub does.
func shownPath(path string) string {
	if strings.HasPrefix(path, websubPrefix) {
		return websubPrefix + "…"
	}
	return path
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// realClient returns who a request that came through trusted proxies is from: the last address in
// X-Forwarded-For that is not itself a trusted proxy. Everything before that one is the client's own word.
// It returns false where the request did not come from a trusted proxy.
func realClient(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(trusted, peer.Addr()) {
		return netip.Addr{}, false
	}
	client := peer.Addr().Unmap()
	for rest := strings.Join(r.Header.Values("X-Forwarded-For"), ","); rest != ""; {
		var hop netip.Addr
		var ok bool
		if rest, hop, ok = lastHop(rest); !ok {
			break // nonsense: what the proxies said so far stands
		}
		if client = hop; !within(trusted, client) {
			break
		}
	}
	return client, true
}

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
