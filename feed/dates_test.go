package feed

import (
	"testing"
	"time"
)

func TestReadDate(t *testing.T) {
	for written, want := range map[string]string{
		"2024-05-01T24:00:00Z":                "2024-05-02T00:00:00Z",
		"2024-12-31T23:59:60Z":                "2025-01-01T00:00:00Z",
		"2024-05-01 24:00 +0200":              "2024-05-01T22:00:00Z",
		"Wed, 01 May 2024 24:00:00 +0000":     "2024-05-02T00:00:00Z",
		"Wed, 01 May 2024 23:59:60 GMT":       "2024-05-02T00:00:00Z",
		"5 Sept 2024":                         "2024-09-05T00:00:00Z",
		"Sa, 4. Februar 2017 08:03 Uhr":       "2017-02-04T08:03:00Z",
		"Mittwoch, 3. März 2021 um 12:30 MEZ": "2021-03-03T11:30:00Z",
		"Fr, 31 Dez 2021 23:00:00 +0100":      "2021-12-31T22:00:00Z",
		"samedi 4 février 2017 08:03":         "2017-02-04T08:03:00Z",
		"jeu., 1er août 2019 à 10h05 CEST":    "2019-08-01T08:05:00Z",
		"3 mai 2024":                          "2024-05-03T00:00:00Z",
		"12 de octubre de 2020 10:00":         "2020-10-12T10:00:00Z",
		"lunedì 6 gennaio 2020 alle 9:15":     "2020-01-06T09:15:00Z",
		"7 mrt 2022":                          "",
		"7 maart 2022":                        "2022-03-07T00:00:00Z",
		"1714557600":                          "2024-05-01T10:00:00Z",
		"1714557600000":                       "2024-05-01T10:00:00Z",
		" 1714557600\n":                       "2024-05-01T10:00:00Z",
		"171455760":                           "",
		"-1714557600":                         "",
		"le 3 mai 2024 au soir":               "",
		"30 February 2024":                    "",
		"31 Februar 2023 10:00":               "",
		"2024-02-30T24:00:00Z":                "",
		"2024-05-01T24:00:01Z":                "",
		"2024-05-01T25:00:00Z":                "",
		"1 May 2024 10:00 XYZ":                "",
		"1 May 2024 10:00 +9900":              "",
		"1 Mayhem 2024":                       "",
		"03/04 2024":                          "",
		"2024":                                "",
		"":                                    "",
		"yesterday":                           "",
	} {
		got, ok := readDate(written)
		if text := got.UTC().Format(time.RFC3339); ok != (want != "") || ok && text != want {
			t.Errorf("%q is %s (%v), want %s", written, text, ok, want)
		}
	}
}

// TestMonths checks that no beginning of a name stands for two months.
func TestMonths(t *testing.T) {
	for name, want := range map[string]int{"mar": 3, "mär": 3, "mai": 5, "may": 5, "maj": 0, "jun": 6, "juin": 6, "jui": 0, "juil": 7, "juli": 7,
		"dez": 12, "déc": 12, "dic": 12, "ago": 8, "aug": 8, "aoû": 8, "okt": 10, "ott": 10, "out": 10, "abr": 4, "gen": 1, "ene": 1, "ma": 0, "set": 9, "giu": 6, "lug": 7, "x": 0} {
		if got := monthNamed(name); got != want {
			t.Errorf("%s is month %d, want %d", name, got, want)
		}
	}
}
