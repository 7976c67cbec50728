package federation

import "slices"

// isForUs reports whether the object is our actor.
func (s *Server) isForUs(a *activity) (bool, error) { return a.objectID() == s.ids.Actor(), nil }

// mentionsUs reports whether an activity is addressed to us or about something of ours, or whether one whom we know
// says it of itself.
func (s *Server) mentionsUs(a *activity) (bool, error) {
	if a.doc.isTo(s.ids.Actor()) || s.ids.Ours(a.doc.ref("target")) || slices.ContainsFunc(a.doc.all("object"), s.isAboutOurs) {
		return true, nil
	}
	if a.objectID() == a.actor {
		return s.knows(a.actor)
	}
	return false, nil
}

// isAboutOurs reports whether an object is something of ours, answers or quotes it, mentions us or is done to it.
func (s *Server) isAboutOurs(n node) bool {
	if s.ids.Ours(n.id()) || n.isTo(s.ids.Actor()) {
		return true
	}
	if _, ok := s.firstOurs(n.refs("inReplyTo")); ok { // also by its page, which is on the blog's host
		return true
	}
	for _, name := range []string{"inReplyTo", "object"} {
		if slices.ContainsFunc(n.refs(name), s.ids.Ours) {
			return true
		}
	}
	return slices.ContainsFunc(quotedBy(n), s.ids.Ours) || slices.Contains(mentions(n), s.ids.Actor())
}

// mentions are the actors that an object mentions.
func mentions(n node) (actors []string) {
	for _, tag := range n.all("tag") {
		if href := tag.text("href"); href != "" && !tag.is("Link") {
			actors = append(actors, href)
		}
	}
	return actors
}
