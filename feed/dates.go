package feed

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// isoDate is a date as in RFC 3339, with a midnight that is called 24:00 and a leap second where they occur: the
// library and Go refuse both.
const isoDate = `^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$`

// wordDate is a date with the name of a month in it, in the order in which all of Europe writes it: perhaps
// a weekday, day, month, year, perhaps a time and a zone, and nothing else.
const wordDate = `^(?:\pL+[.,]*\s+)?(\d{1,2})(?:\.|er|º|ª)?[\s-]+(?:(?:de|d’|d')\s*)?(\pL{3,10})\.?,?[\s-]+(?:(?:de|del)\s+)?(\d{4})` +
	`(?:,?\s+(?:um|at|à|a las|às|alle|om|kl\.?)?\s*(\d{1,2})[:h.](\d{2})(?::(\d{2}))?(?:\s*(?:Uhr|h))?)?\s*(Z|[A-Z]{3,4}|[+-]\d{2}:?\d{2})?$`

// readDate reads dates that the library does not, as far as they cannot mean anything else. A date without a zone
// is in UTC.
func readDate(s string) (time.Time, bool) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" || len(s) > 80 {
		return time.Time{}, false
	}
	if t, ok := epoch(s); ok {
		return t, true
	}
	if m := regexp.MustCompile(isoDate).FindStringSubmatch(s); m != nil {
		return dateOfParts(m[1], m[2], m[3], m[4:])
	}
	m := regexp.MustCompile(wordDate).FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	month := monthNamed(m[2])
	if month == 0 {
		return time.Time{}, false
	}
	return dateOfParts(m[3], strconv.Itoa(month), m[1], m[4:])
}

// epoch reads seconds or milliseconds since 1970, from 2001 on: fewer digits could be anything.
func epoch(s string) (time.Time, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || s[0] < '0' || s[0] > '9':
		return time.Time{}, false
	case len(s) == 10:
		return time.Unix(n, 0), true
	case len(s) == 13:
		return time.UnixMilli(n), true
	}
	return time.Time{}, false
}

// dateOfParts puts a date together; clock is hour, minute, second and zone, each of them perhaps empty.
func dateOfParts(year, month, day string, clock []string) (time.Time, bool) {
	y, m, d := atoi(year), atoi(month), atoi(day)
	hour, minute, second := atoi(clock[0]), atoi(clock[1]), atoi(clock[2])
	if m < 1 || m > 12 || d < 1 || d > daysIn(y, m) || minute > 59 || second > 60 || hour > 24 || hour == 24 && minute+second > 0 {
		return time.Time{}, false
	}
	offset, ok := zone(clock[3])
	if !ok {
		return time.Time{}, false
	}
	return time.Date(y, time.Month(m), d, hour, minute, second, 0, time.UTC).Add(-offset), true
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // the digits come from a pattern that allows no others, or none
	return n
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// zone returns the offset of a time zone from UTC.
func zone(s string) (time.Duration, bool) {
	switch s {
	case "", "Z", "UTC", "GMT", "WET":
		return 0, true
	case "CET", "MEZ", "BST", "WEST":
		return time.Hour, true
	case "CEST", "MESZ", "EET":
		return 2 * time.Hour, true
	case "EEST", "MSK":
		return 3 * time.Hour, true
	case "EST", "CDT":
		return -5 * time.Hour, true
	case "EDT":
		return -4 * time.Hour, true
	case "CST", "MDT":
		return -6 * time.Hour, true
	case "MST", "PDT":
		return -7 * time.Hour, true
	case "PST":
		return -8 * time.Hour, true
	}
	digits := strings.ReplaceAll(s, ":", "")
	if len(digits) != 5 || digits[0] != '+' && digits[0] != '-' {
		return 0, false
	}
	hours, minutes := atoi(digits[1:3]), atoi(digits[3:])
	if hours > 14 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if digits[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// monthNamed returns the number of a month by its English, German, French, Spanish, Italian, Portuguese or Dutch
// name, or by what begins it and no other; 0 if it is none.
func monthNamed(name string) int {
	name = strings.ToLower(name)
	for i, names := range [12]string{
		"january januar janvier enero gennaio janeiro januari jänner",
		"february februar février fevrier febrero febbraio fevereiro februari",
		"march märz maerz mars marzo março marco maart mrz",
		"april avril abril aprile avr abr",
		"may mai mayo maggio maio mei",
		"june juni juin junio giugno junho",
		"july juli juillet julio luglio julho",
		"august août aout agosto augustus",
		"september septembre septiembre settembre setembro sept",
		"october oktober octobre octubre ottobre outubro",
		"november novembre noviembre novembro",
		"december dezember décembre decembre diciembre dicembre dezembro",
	} {
		for known := range strings.FieldsSeq(names) {
			if name == known || len([]rune(name)) >= 3 && name != "jui" && strings.HasPrefix(known, name) {
				return i + 1
			}
		}
	}
	return 0
}
