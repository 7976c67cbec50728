package federation

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// routes are the addresses of the account. Those without a variable part are looked up at once; the router would try
// one pattern after the other, and most requests are for them.
type routes struct {
	fixed    map[string]http.HandlerFunc // by path as it was sent
	patterns *mux.Router
}

func newRoutes(notFound http.HandlerFunc) *routes {
	r := &routes{fixed: map[string]http.HandlerFunc{}, patterns: mux.NewRouter().SkipClean(true).UseEncodedPath()}
	r.patterns.NotFoundHandler = notFound
	return r
}

// HandleFunc lets h answer for a path, or for a pattern of the router's.
func (r *routes) HandleFunc(path string, h http.HandlerFunc) {
	if strings.ContainsRune(path, '{') {
		r.patterns.HandleFunc(path, h)
		return
	}
	r.fixed[path] = h
}

func (r *routes) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if h, ok := r.fixed[q.URL.EscapedPath()]; ok {
		h(w, q)
		return
	}
	r.patterns.ServeHTTP(w, q)
}
