package fedtest

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// Search finds the post behind a web page's address, as a person who pastes it into Mastodon's search does
// (fetch_resource_service.rb, 4.4 to 4.7): an ActivityPub answer is taken by its id; else the first
// <link rel="alternate"> of an ActivityPub type names the post, and what it names must bear exactly that
// address as its id.
func (s *Server) Search(ctx context.Context, page string) (map[string]any, error) {
	f, err := s.Get(ctx, page, typeActivity+", "+typeLD+", text/html;q=0.1")
	if err != nil {
		return nil, err
	}
	if isActivityType(f.Header.Get("Content-Type")) {
		doc, err := decodeObject(f)
		if err != nil {
			return nil, err
		}
		id, _ := doc["id"].(string)
		if id == f.URL {
			return doc, nil
		}
		return s.getObject(ctx, id)
	}
	href := alternate(string(f.Body))
	if href == "" {
		return nil, fmt.Errorf("search %s: the page names no ActivityPub alternate", page)
	}
	if u, err := url.Parse(href); err != nil || !u.IsAbs() {
		return nil, fmt.Errorf("search %s: the alternate %q is not an absolute address", page, href)
	}
	return s.getObject(ctx, href)
}

// alternate finds the first link of that kind in a page. It reads tags as a test needs it, not all of HTML.
func alternate(page string) string {
	for _, tag := range regexp.MustCompile(`(?is)<link\s[^>]*>`).FindAllString(page, -1) {
		attr := map[string]string{}
		for _, m := range regexp.MustCompile(`(?s)([a-zA-Z-]+)\s*=\s*"([^"]*)"`).FindAllStringSubmatch(tag, -1) {
			attr[strings.ToLower(m[1])] = html.UnescapeString(m[2])
		}
		if strings.EqualFold(attr["rel"], "alternate") && (attr["type"] == typeActivity || attr["type"] == typeLD) {
			return attr["href"]
		}
	}
	return ""
}
