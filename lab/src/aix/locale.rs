//! The language a command speaks: that of its environment, as the C library would find it.

use std::env;

/// A language the lab knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Messages as the sources have them.
    English,
    /// German. The sentences are the lab's own: they only have to be other ones, so that who does not ask in C is found out.
    German,
}

/// `LC_ALL`, `LC_MESSAGES`, `LANG`: the first that is set and not empty decides.
pub(crate) fn language() -> Language {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    of(["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).as_deref())
}

fn of(value: Option<&str>) -> Language {
    match value {
        Some(value) if value.to_ascii_lowercase().starts_with("de") => Language::German,
        Some(_) | None => Language::English,
    }
}

impl Language {
    /// A sentence in this language; what has no translation stays as it is, as with a message catalogue.
    pub(crate) fn say(self, sentence: &str) -> String {
        if self == Self::English {
            return sentence.to_owned();
        }
        let known = GERMAN.iter().find(|(english, _)| sentence.contains(english));
        known.map_or_else(
            || sentence.to_owned(),
            |(english, german)| sentence.replace(english, german),
        )
    }
}

/// Invented translations.
const GERMAN: [(&str, &str); 30] = [
    ("PASSED:", "BESTANDEN:"),
    ("FAILED:", "FEHLGESCHLAGEN:"),
    (
        "The live update preview succeeded.",
        "Die Voranzeige der Live-Aktualisierung war erfolgreich.",
    ),
    ("Validating live update input data.", "Eingabedaten der Live-Aktualisierung werden geprueft."),
    ("Computing the estimated time", "Die geschaetzte Zeit wird berechnet"),
    ("Blackout_time(s):", "Stillstand (s):"),
    ("Global_time(s):", "Gesamtzeit (s):"),
    (
        "Non-interruptable live update operation begins",
        "Die nicht unterbrechbare Live-Aktualisierung beginnt",
    ),
    (
        "Initializing live update on original LPAR.",
        "Live-Aktualisierung wird auf der LPAR eingerichtet.",
    ),
    ("Validating original LPAR environment.", "Umgebung der LPAR wird geprueft."),
    ("Beginning live update operation", "Live-Aktualisierung beginnt"),
    ("Requesting resources required", "Ressourcen werden angefordert"),
    ("Notifying applications", "Anwendungen werden benachrichtigt"),
    ("Creating rootvg for boot of surrogate.", "rootvg fuer den Ersatz wird angelegt."),
    ("Starting the surrogate LPAR.", "Die Ersatz-LPAR wird gestartet."),
    ("Creating mirror of original LPAR's rootvg.", "rootvg wird gespiegelt."),
    ("Moving workload to surrogate LPAR.", "Die Arbeitslast wird verlagert."),
    ("Blackout Time started.", "Stillstand begonnen."),
    ("Blackout Time end.", "Stillstand beendet."),
    ("Workload is running on surrogate LPAR.", "Die Arbeitslast laeuft auf der Ersatz-LPAR."),
    ("Completing transfer of system resources", "Uebertragung der Ressourcen wird abgeschlossen"),
    ("Starting cleanup of the original LPAR.", "Die alte LPAR wird aufgeraeumt."),
    ("Shutting down the Original LPAR.", "Die alte LPAR wird heruntergefahren."),
    ("Deleting the original LPAR.", "Die alte LPAR wird geloescht."),
    ("The live update operation succeeded.", "Die Live-Aktualisierung war erfolgreich."),
    ("Live AIX update completed", "Live-Aktualisierung von AIX beendet"),
    ("Live AIX update is starting.", "Live-Aktualisierung von AIX beginnt."),
    ("The live update operation failed.", "Die Live-Aktualisierung ist fehlgeschlagen."),
    ("There is no efix data on this system.", "Auf diesem System gibt es keine Efix-Daten."),
    ("Filesystem    GB blocks", "Dateisystem   GB-Bloecke"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_german_environment_speaks_german() {
        assert_eq!(of(Some("de_DE.UTF-8")), Language::German);
        assert_eq!(of(Some("C")), Language::English);
        assert_eq!(of(None), Language::English);
        assert_eq!(Language::German.say("1430-246 FAILED: x"), "1430-246 FEHLGESCHLAGEN: x");
        assert_eq!(Language::English.say("PASSED: x"), "PASSED: x");
    }
}
