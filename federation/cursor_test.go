package federation

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestPlaces: a page is named by where it begins, so that it need not be counted off; of the first fifty the number
// alone will do, as people and old programs write it.
func TestPlaces(t *testing.T) {
	d := published(t)
	ids := d.crowd(65)
	const followers = "/users/user/followers"
	first := d.object(followers + "?page=1")
	next := strings.TrimPrefix(first["next"].(string), testBase)
	second := d.object(next)
	byNumber := d.object(followers + "?page=2")
	if got, want := second["orderedItems"].([]any), byNumber["orderedItems"].([]any); len(got) != 20 || got[0] != want[0] || got[19] != want[19] {
		t.Errorf("by its place %v, by its number %v", got, want)
	}
	if byNumber["id"] != testBase+followers+"?page=2" || second["id"] != testBase+next {
		t.Errorf("ids %v, %v", byNumber["id"], second["id"])
	}
	if byNumber["next"] != second["next"] || byNumber["prev"] != first["id"] || second["prev"] != first["id"] {
		t.Errorf("after the second page %v and %v, before %v and %v", byNumber["next"], second["next"], byNumber["prev"], second["prev"])
	}
	if last := d.object(followers)["last"].(string); !strings.HasPrefix(last, testBase+followers+"?page=4&before=") {
		t.Errorf("last is %s", last)
	} else if items := d.object(strings.TrimPrefix(last, testBase))["orderedItems"].([]any); len(items) != 5 || items[4] != ids[0] {
		t.Errorf("the last page has %v", items)
	}
	// Somebody who follows between two pages moves nothing.
	newcomer := newStranger(t, d, "new.example", "alice")
	d.followedBy(newcomer, "accepted")
	again := d.object(next)
	if again["orderedItems"].([]any)[0] != second["orderedItems"].([]any)[0] {
		t.Error("the second page moved")
	}
}

func TestOddPlaces(t *testing.T) {
	d := published(t, "example.com/a/")
	d.crowd(3)
	token := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, collection := range []string{outbox, "/users/user/followers"} {
		for query, status := range map[string]int{
			"page=1&before=" + token("\x00"): 200, "page=2&before=" + token("\x00"): 404, "page=2&before=": 400, "page=2&before=%21": 400,
			"page=2&before=" + token("x"): 404, "page=2&before=" + token(strings.Repeat("\xff", 4000)): 200,
			"before=" + token("x"): 200, "page=x&before=" + token("x"): 400, "page=51": 404, "page=16777216": 404, "page=16777217": 400,
		} {
			if w := d.ask("GET", collection+"?"+query, ""); w.Code != status {
				t.Errorf("%s?%s: %d, want %d", collection, query, w.Code, status)
			}
		}
	}
}

func FuzzPlace(f *testing.F) {
	f.Add("1", "AAAA")
	f.Add("2", "////")
	d := published(f, "example.com/a/")
	d.crowd(25)
	h := d.s.Handler()
	f.Fuzz(func(t *testing.T, page, before string) {
		w := askHandler(h, "GET", "/users/user/followers?page="+url.QueryEscape(page)+"&before="+url.QueryEscape(before), "")
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusNotFound {
			t.Errorf("%q %q: %d", page, before, w.Code)
		}
	})
}
