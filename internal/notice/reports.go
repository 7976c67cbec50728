package notice

import (
	"fmt"
	"net/url"
	"strings"

	"crier/store"
)

const (
	reportsShown   = 5
	objectsShown   = 3
	reasonLength   = 200 // bytes of why somebody complains
	reporterLength = 200 // bytes of an id
)

// reported finds the complaints (Flag) of other servers. They are one state however many there are: a new one is
// told of at most once an hour, and the store keeps few of one host, so that nobody floods the owner.
func reported(v view) []state {
	if len(v.reports) == 0 {
		return nil
	}
	newest := v.reports[len(v.reports)-1]
	told := 0
	for _, n := range v.notices {
		if n.Subject == reportKind+" "+reportSubject {
			told = n.Count
		}
	}
	var news []store.Report
	for _, r := range v.reports {
		if int(r.Seq) > told {
			news = append(news, r)
		}
	}
	return []state{{
		feed: reportSubject, count: int(newest.Seq), first: v.now, last: v.now,
		message: message{title: title(v, "somebody complains of you"), tag: "rotating_light", text: text(v, reportsText(news))},
	}}
}

const reportKind, reportSubject = "report", "flags"

// reportsText says who complains of what, the newest first.
func reportsText(all []store.Report) string {
	var b strings.Builder
	b.WriteString("The moderators of another server were told of you, or pass on what one of their people wrote. They decide for " +
		"their server alone; you have to do nothing.\n\n")
	for i := range all {
		if i == reportsShown {
			fmt.Fprintf(&b, "and %d more\n", len(all)-i)
			break
		}
		r := all[len(all)-1-i]
		fmt.Fprintf(&b, "- %s, by %s (%s)\n", r.Time.UTC().Format("2006-01-02 15:04 MST"), hostName(r.Actor), oneLine(r.Actor, reporterLength))
		for j, id := range r.Objects {
			if j == objectsShown {
				fmt.Fprintf(&b, "  and %d more\n", len(r.Objects)-j)
				break
			}
			fmt.Fprintf(&b, "  about %s\n", oneLine(id, addressLength))
		}
		if reason := oneLine(r.Text, reasonLength); reason != "" {
			fmt.Fprintf(&b, "  “%s”\n", reason)
		}
	}
	b.WriteString("\nTo see them as they came:\n  crier log --source\nTo hear no more of a server:\n  crier block add DOMAIN\n")
	return b.String()
}

func hostName(id string) string {
	u, err := url.Parse(id)
	if err != nil || u.Host == "" {
		return "somebody"
	}
	return oneLine(u.Host, reporterLength)
}
