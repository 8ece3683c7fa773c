use proptest::prelude::*;

use super::*;

/// What a filter reads as, or what is wrong with it.
fn read(text: &str) -> String {
    match text.parse::<Filter>() {
        Ok(filter) => filter.to_string(),
        Err(bad) => format!("{}: {}", bad.at, bad.problem),
    }
}

#[test]
fn comparisons_are_joined_as_everybody_expects() {
    for (text, meant) in [
        ("name=lpar01", "name=lpar01"),
        (" name == lpar01 ", "name=lpar01"),
        ("oslevel<7300-03 and frame=p10-*", "(oslevel<7300-03 and frame=p10-*)"),
        ("name=a or name=b and rmc!=active", "(name=a or (name=b and rmc!=active))"),
        ("(name=a OR name=b) AND not rmc=active", "((name=a or name=b) and not rmc=active)"),
        ("not not (name=a)", "not not name=a"),
        ("!(name=a)", "not name=a"),
        ("state='Not Activated'", "state='Not Activated'"),
        ("label.site/room=\"it's\"", "label.site/room=\"it's\""),
        ("oslevel=''", "oslevel=''"),
        ("name=and", "name=and"),
    ] {
        assert_eq!(read(text), meant, "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_named_with_its_place_and_what_there_is() {
    for (text, wrong) in [
        ("", "1: a field should stand here, not the end"),
        (
            "name=a and oslvl<7300-03",
            "12: there is no field \"oslvl\"; did you mean \"oslevel\"? (fields: name, type, class,",
        ),
        ("name", "5: one of = != < <= > >= should stand here, not the end"),
        ("name=", "6: a value should stand here, not the end"),
        ("name=a name=b", "8: `and`, `or` or the end should stand here, not \"name\""),
        ("(name=a", "8: `and`, `or` or `)` should stand here, not the end"),
        ("name=a)", "7: `and`, `or` or the end should stand here, not \")\""),
        ("name=a and", "11: a field should stand here, not the end"),
        ("name='a", "6: the quotation mark has no other one"),
        ("name<b", "1: name is a text, which `<` makes no sense of: only = and != do"),
        (
            "rmc=a or identity=seven",
            "10: identity is a number, and \"seven\" is none: a whole number, such as 7",
        ),
        (
            "oslevel<7.3",
            "1: oslevel is a level of AIX, and \"7.3\" is none: such as 7300-03-01-2520, or 7300-03",
        ),
        ("oslevel=7300-03-*", "1: oslevel is a level of AIX, and \"7300-03-*\" is none"),
        ("oslevel<''", "1: oslevel is a level of AIX, and \"\" is none"),
        ("ioslevel>4.x", "1: ioslevel is a level of a VIOS, and \"4.x\" is none: such as 3.1.4.21"),
        (
            "changed>yesterday",
            "1: changed is a time, and \"yesterday\" is none: such as 2026-01-31",
        ),
        ("labels=a", "1: labels cannot be compared; label.KEY can, such as label.env=prod"),
        ("label.a b=c", "9: one of = != < <= > >= should stand here, not \"b\""),
    ] {
        let found = read(text);
        assert!(found.starts_with(wrong), "{text}\nfound:  {found}\nwanted: {wrong}");
    }
    let deep = format!("{}name=a{}", "(".repeat(500), ")".repeat(500));
    assert!(read(&deep).contains("in each other"), "{}", read(&deep));
    assert!(read(&"name=a and ".repeat(1000)).contains("longer than"), "it is bounded");
}

#[test]
fn levels_and_times_are_compared_as_what_they_are() {
    let test = |text: &str| match text.parse::<Filter>().unwrap() {
        Filter::Is { test, .. } => test,
        other => panic!("{other:?}"),
    };
    let level = |filter: &str, level: &str| match test(filter) {
        Test::Level(compare) => compare.holds(&level.parse().unwrap()),
        other => panic!("{other:?}"),
    };
    for (filter, found, holds) in [
        ("oslevel<7300-03", "7300-02-04-2446", true),
        ("oslevel<7300-03", "7300-03-00-2446", false),
        ("oslevel<7300-03", "7200-05-10-2420", true),
        ("oslevel<=7300-03", "7300-03-01-2520", true),
        ("oslevel>7300-03", "7300-03-01-2520", false),
        ("oslevel>7300-03", "7300-04-00-2546", true),
        ("oslevel>=7300-03-01", "7300-03-00-2446", false),
        ("oslevel=7300", "7300-00-00-0000", true),
        ("oslevel!=7300", "7200-05-10-2420", true),
        ("oslevel=7300-03-01-2520", "7300-03-01-2521", false),
    ] {
        assert_eq!(level(filter, found), holds, "{filter} of {found}");
    }
    match test("ioslevel<3.1.4") {
        Test::ViosLevel(compare) => {
            assert!(compare.holds(&[3, 1, 3, 40]) && !compare.holds(&[3, 1, 4, 10]));
        }
        other => panic!("{other:?}"),
    }
    match test("changed=2026-01-31") {
        Test::Time(compare) => {
            assert!(compare.holds(&"2026-01-31T23:59:59Z".parse().unwrap()));
            assert!(!compare.holds(&"2026-02-01T00:00:00Z".parse().unwrap()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn patterns_are_those_of_shells_and_the_rest_means_itself() {
    let regex = |text: &str| match text.parse::<Filter>().unwrap() {
        Filter::Is { test: Test::Text(true, pattern), .. } => pattern.regex(),
        other => panic!("{other:?}"),
    };
    assert_eq!(regex("frame=p10-*").as_deref(), Some("^p10\\-.*$"));
    assert_eq!(regex("name=l?_[^0-3].c").as_deref(), Some("^l.\\_[^0-3]\\.c$"));
    assert_eq!(regex("name=a[z-a]*").as_deref(), Some("^a\\[z\\-a\\].*$"));
    assert_eq!(regex("frame='p10-*'"), None);
}

#[test]
fn labels_are_selected_as_kubectl_does() {
    use Requirement::{Exists, In, Missing, NotIn};
    let read = |text: &str| text.parse::<Selector>().map(|selector| selector.0);
    let of = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let key = || "env".to_owned();
    for (text, meant) in [
        ("env=prod", In(key(), of(&["prod"]))),
        ("env == prod", In(key(), of(&["prod"]))),
        ("env=", In(key(), of(&[""]))),
        ("env != prod", NotIn(key(), of(&["prod"]))),
        ("env in (prod, two words)", In(key(), of(&["prod", "two words"]))),
        ("env notin (prod,)", NotIn(key(), of(&["prod", ""]))),
        ("env", Exists(key())),
        ("!env", Missing(key())),
    ] {
        assert_eq!(read(text), Ok(vec![meant]), "{text}");
    }
    let several = read("env in (a,b),site/room!=x, !old").unwrap();
    assert_eq!(several.len(), 3, "{several:?}");
    for (text, at) in [
        ("", 1),
        ("env,", 5),
        ("a=b, e nv", 6),
        ("env in prod", 1),
        ("env within (a)", 1),
        ("env in (a", 1),
        ("a,env=(b)", 3),
        ("env<3", 1),
    ] {
        assert_eq!(read(text).unwrap_err().at, at, "{text}: {}", read(text).unwrap_err());
    }
}

#[test]
fn order_and_columns_name_fields() {
    let sort: Sort = "frame, -oslevel".parse().unwrap();
    assert_eq!(sort.to_string(), "frame,-oslevel");
    assert_eq!(sort.0[1], (Field::Oslevel, Direction::Down));
    assert_eq!("labels".parse::<Sort>(), Err(BadSort::NoOrder(Field::Labels)));
    assert!("nam".parse::<Sort>().unwrap_err().to_string().contains("did you mean \"name\"?"));
    let columns: Columns = "name,label.env,labels".parse().unwrap();
    assert_eq!(columns.to_string(), "name,label.env,labels");
    assert_eq!("name,name".parse::<Columns>(), Err(BadColumns::Twice(Field::Name)));
    assert!("name,".parse::<Columns>().is_err());
    assert!(Field::ALL.iter().all(|field| Field::read(field.name()).as_ref() == Ok(field)));
}

fn filter() -> impl Strategy<Value = Filter> {
    let comparison = prop_oneof![
        (
            "(name|frame|rmc|label\\.[a-z/.]{1,6})",
            "(=|!=)",
            "[a-z0-9*?.:-]{1,8}|'[a-z *()=<>]{0,8}'"
        ),
        ("(oslevel)", "(=|!=|<|<=|>|>=)", "7[23]00(-0[0-9](-0[0-9](-2[0-9]{3})?)?)?"),
        ("(identity|version)", "(=|!=|<|<=|>|>=)", "[0-9]{1,5}"),
        ("(created|changed|seen)", "(=|!=|<|<=|>|>=)", "202[0-9]-0[1-9]-[012][1-8]"),
    ]
    .prop_map(|(field, order, value)| format!("{field}{order}{value}").parse::<Filter>().unwrap());
    comparison.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
            inner.prop_map(|one| Filter::Not(Box::new(one))),
        ]
    })
}

#[test]
fn labels_at_hand_are_chosen_as_in_kubectl() {
    let labels = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let of = labels(&[("env", "prod"), ("tier", "db")]);
    let fits = |text: &str| text.parse::<Selector>().unwrap().matches(&of);
    for yes in
        ["env=prod", "env", "!old", "tier in (web, db)", "tier!=web", "old!=1", "env,tier=db"]
    {
        assert!(fits(yes), "{yes}");
    }
    for no in ["env=test", "old", "!env", "tier in (web)", "tier notin (db)", "env=prod,old=1"] {
        assert!(!fits(no), "{no}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(filter in filter()) {
        prop_assert_eq!(filter.to_string().parse(), Ok(filter));
    }

    #[test]
    fn no_text_panics(text in ".{0,60}|[a-z=<>!()'\" ,-]{0,60}|(name|oslevel|and|or|not|=|<|\\(|\\)| |7300-03|'){0,20}") {
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse(), Ok(filter));
        }
        if let Ok(selector) = text.parse::<Selector>() {
            prop_assert_eq!(selector.to_string().parse(), Ok(selector));
        }
        drop((text.parse::<Sort>(), text.parse::<Columns>()));
    }
}
