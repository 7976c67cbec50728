package federation

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"crier/store"
)

// servePost answers for one post id: with the stored Note, with 410 and the Tombstone for ever after its
// deletion, with 403 where it is not for everybody, and to a browser with the entry's page. A post that
// exists is never answered with 404 or 410 (other servers delete what is): while the first polls are not
// done an unknown id is 503.
func (s *Server) servePost(w http.ResponseWriter, r *http.Request) {
	varyAccept(w)
	post, ok := s.findPost(w, r, "/posts/")
	if !ok {
		return
	}
	switch {
	case post.State == store.PostDeleted:
		s.serveGone(w, r, post)
	case !forEverybody(post.Visibility):
		s.fail(w, r, http.StatusForbidden, "this post is not for everybody")
	case !wantsHTML(r):
		newDocument(post.Object, agePost).serve(w, r)
	case post.URL == post.ID:
		s.servePostPage(w, r, post)
	default:
		redirect(w, r, post.URL)
	}
}

// findPost reads the post that the request's path names below prefix. Where there is none it has
// answered, and returns false.
func (s *Server) findPost(w http.ResponseWriter, r *http.Request, prefix string) (store.Post, bool) {
	post, err := s.db.Post(canonicalPath(strings.TrimPrefix(r.URL.EscapedPath(), prefix)))
	if err == nil {
		return post, true
	}
	s.missing(w, r, err)
	return store.Post{}, false
}

// missing answers for a post that was not found, or could not be looked for.
func (s *Server) missing(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case !errors.Is(err, store.ErrNotFound):
		s.fault(w, r, fmt.Errorf("read a post: %w", err))
	case !s.FirstPollsDone():
		s.unavailable(w, r, 30, "the feeds are being read for the first time")
	default:
		s.fail(w, r, http.StatusNotFound, "there is no such post")
	}
}

// serveGone answers 410 with the Tombstone (ActivityPub §6.4).
func (s *Server) serveGone(w http.ResponseWriter, r *http.Request, post store.Post) {
	if wantsHTML(r) {
		s.fail(w, r, http.StatusGone, "this post was deleted")
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=180")
	newDocument(post.Object, agePost).write(w, r, http.StatusGone)
}

// canonicalPath brings the percent-encoding of a path into the one form that ids have: upper-case hex,
// and letters, digits, "-", "_", "." and "~" plain (RFC 3986 §6.2.2). Encoded slashes stay encoded.
func canonicalPath(escaped string) string {
	if !strings.Contains(escaped, "%") {
		return escaped
	}
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c != '%' || i+2 >= len(escaped) {
			b.WriteByte(c)
			continue
		}
		code := strings.ToUpper(escaped[i : i+3])
		if plain, err := url.PathUnescape(code); err == nil && isUnreserved(plain) {
			code = plain
		}
		b.WriteString(code)
		i += 2
	}
	return b.String()
}

func isUnreserved(s string) bool {
	c := s[0]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// serveFindPost redirects /posts?url=ENTRY-URL to the post of that entry.
func (s *Server) serveFindPost(w http.ResponseWriter, r *http.Request) {
	varyAccept(w)
	variants := addressVariants(r.URL.Query().Get("url"))
	if len(variants) == 0 {
		s.fail(w, r, http.StatusBadRequest, "name the entry's address: /posts?url=https://…")
		return
	}
	for _, v := range variants {
		post, err := s.db.PostByURL(v)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			s.fault(w, r, fmt.Errorf("look for the post of a page: %w", err))
			return
		}
		redirect(w, r, post.ID)
		return
	}
	s.missing(w, r, store.ErrNotFound)
}

// addressVariants are the addresses under which a page may be known: the given one, then the one without
// its query (people paste addresses with campaign marks); store.PostByURL takes no notice of scheme,
// "www." and slash. It is empty for what is no web address.
func addressVariants(address string) []string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	list := []string{u.String()}
	if u.RawQuery != "" || u.ForceQuery {
		u.RawQuery, u.ForceQuery = "", false
		list = append(list, u.String())
	}
	return list
}

// serveActivity answers with one of the account's activities, exactly as it was sent. What is about a
// deleted post is gone with it, and what is about a post for followers is for them alone.
func (s *Server) serveActivity(w http.ResponseWriter, r *http.Request) {
	a, err := s.db.Activity(s.ids.Base() + r.URL.EscapedPath())
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.fail(w, r, http.StatusNotFound, "there is no such activity")
		return
	case err != nil:
		s.fault(w, r, fmt.Errorf("read an activity: %w", err))
		return
	}
	if path, ours := s.ids.PostPath(a.Object); ours && !s.mayShow(w, r, a, path) {
		return
	}
	newDocument(a.Body, agePost).serve(w, r)
}

// mayShow reports whether everybody may read an activity about the post at path; if not it has answered.
func (s *Server) mayShow(w http.ResponseWriter, r *http.Request, a store.Activity, path string) bool {
	post, err := s.db.Post(path)
	switch {
	case err != nil:
		s.fault(w, r, fmt.Errorf("read the post of an activity: %w", err))
	case !forEverybody(post.Visibility):
		s.fail(w, r, http.StatusForbidden, "this activity is not for everybody")
	case post.State == store.PostDeleted && a.Type != "Delete":
		s.fail(w, r, http.StatusGone, "the post of this activity was deleted")
	default:
		return true
	}
	return false
}
