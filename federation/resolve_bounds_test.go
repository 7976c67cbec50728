package federation

import (
	"fmt"
	"net/http"
	"testing"
)

// TestFetchesOfOneSignature: whatever a server answers, one signed POST has it asked twice at most, for two documents
// and a redirect each, and the same POST once more not at all.
func TestFetchesOfOneSignature(t *testing.T) {
	at := func(path, to string) func(*stranger) {
		return func(x *stranger) {
			x.instead(func(w http.ResponseWriter, r *http.Request) {
				if to != "" && r.URL.RequestURI() == path {
					http.Redirect(w, r, to, http.StatusFound)
					return
				}
				serveJSON(w, typeActivity, x.document())
			})
		}
	}
	bend := func(name, value string) func(*stranger) {
		return func(x *stranger) {
			x.bend(func(doc map[string]any) { doc[name] = value })
			at("", "")(x)
		}
	}
	for name, tt := range map[string]struct {
		set  func(*stranger)
		want int
	}{
		"redirected to another query":  {at("/users/hop", "/users/hop?x=1"), 2},
		"redirected to another path":   {at("/users/hop", "/u/hop"), 2},
		"with the id of somebody else": {bend("id", "https://hop.example/users/other"), 1},
		"with an id and a key of elsewhere": {func(x *stranger) {
			x.bend(func(doc map[string]any) {
				doc["id"] = "https://hop.example/users/other"
				doc["publicKey"].(map[string]any)["owner"] = doc["id"]
			})
			at("/users/other", "/users/other?x=1")(x)
		}, 3},
		"without an id": {bend("id", ""), 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			x := newStranger(t, d, "hop.example", "hop")
			tt.set(x)
			for range 2 {
				if got := x.post(t, d, x.follow()); got != http.StatusUnauthorized {
					t.Errorf("status %d", got)
				}
			}
			if x.reads() != tt.want {
				t.Errorf("%d requests, want %d: %s", x.reads(), tt.want, fmt.Sprint(x.gets))
			}
		})
	}
}
