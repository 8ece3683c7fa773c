use nim_shared::api::{Cell, PartitionView, ViosReading};
use nim_shared::id::{LparId, ObjectName};
use nim_shared::object::ObjectType;
use nim_shared::select::Selector;

use super::*;
use crate::store::object::{Change, Mode};
use crate::store::reservation::FrameReading;
use crate::store::testing::world::{SOMEBODY, accepted, name, object, reading, site};
use crate::store::testing::{self, TestDatabase};

/// What an HMC shows of some partitions: name, state, system.
fn shown(partitions: &[(&str, &str, &str)]) -> FrameReading {
    let partitions = partitions.iter().map(|(name, state, os)| PartitionView {
        name: (*name).to_owned(),
        lpar_id: LparId(std::num::NonZeroU32::MIN),
        lpar_env: "aixlinux".to_owned(),
        state: (*state).to_owned(),
        rmc_state: if *state == "Running" { "active" } else { "" }.to_owned(),
        rmc_ipaddr: String::new(),
        os_version: (*os).to_owned(),
    });
    let read_at = Timestamp::from_unix_micros(1_700_000_000_000_000);
    FrameReading { partitions: partitions.collect(), ..reading(read_at, 1) }
}

/// A frame with LPARs `lpar01` … `lpar05` of several levels, one of them called otherwise on the HMC, a VIOS and an LPAR elsewhere.
async fn fleet() -> Store {
    let store = testing::store().await;
    site(&store, 5).await;
    let of = ObjectType::Standalone;
    let vios = [("if1", "find_net vios1 0"), ("mgmt_source", "p10a"), ("identity", "1")];
    let other = [("if1", "find_net 10.0.0.9 0"), ("label.env", "prod"), ("comments", "alone")];
    let mut lpar03 = store.object(&name("lpar03")).await.unwrap().object;
    let nim_shared::object::Spec::Standalone(spec) = &mut lpar03.spec else { panic!() };
    spec.partition_name = Some("AIX 3".to_owned());
    lpar03.labels.insert("tier".to_owned(), "db".to_owned());
    let changes = vec![
        Change::Define(object(ObjectType::Vios, "vios1", &vios)),
        Change::Define(object(of, "other", &other)),
        Change::Put(lpar03),
        Change::Define(object(
            ObjectType::Script,
            "after",
            &[("location", "/after.sh"), ("server", "master")],
        )),
    ];
    store.apply(changes, Mode::Store, SOMEBODY).await.unwrap();
    let seen = shown(&[
        ("lpar01", "Running", "AIX 7.3 7300-03-01-2520"),
        ("lpar02", "Running", "AIX 7.2 7200-05-10-2420"),
        ("AIX 3", "Running", "AIX 7.3 7300-02-04-2446"),
        ("lpar04", "Not Activated", "Unknown"),
        ("nobody", "Running", "AIX 7.1 7100-05-01-1820"),
        ("vios1", "Running", "VIOS 4.1.0.10"),
    ]);
    store.record_reading(&name("p10a"), &seen).await.unwrap();
    let read_at = store.now().await.unwrap();
    let found = ViosReading { read_at, by: None, level: "4.1.0.10".to_owned(), adapters: vec![] };
    store.record_vios(&name("vios1"), &found).await.unwrap();
    store
}

fn all() -> ObjectFilter {
    ObjectFilter::default()
}

/// The names on a page.
async fn names(store: &Store, filter: &ObjectFilter) -> Vec<String> {
    let page = store.objects(filter, None, 1000).await.unwrap();
    page.items.iter().map(|one| one.object.name.to_string()).collect()
}

#[tokio::test]
async fn objects_are_chosen_by_fields_and_labels() {
    let store = fleet().await;
    accepted(&store, &["lpar05"]).await;
    for (fields, wanted) in [
        ("oslevel<7300-03", "lpar02 lpar03"),
        ("oslevel<7300-03 and frame=p10*", "lpar02 lpar03"),
        ("oslevel>=7300", "lpar01 lpar03"),
        ("oslevel=7300-03", "lpar01"),
        ("oslevel!=7300 and type=standalone", "lpar02 lpar04 lpar05 other"),
        ("not oslevel=7300 and type=standalone", "lpar02 lpar04 lpar05 other"),
        ("not (oslevel!=7300)", "lpar01 lpar03"),
        ("not (oslevel>7200 or rmc=active) and frame=p10a", "lpar04 lpar05"),
        ("oslevel='' and class=machines", "lpar04 lpar05 other"),
        ("oslevel!=''", "lpar01 lpar02 lpar03"),
        ("state='Not Activated'", "lpar04"),
        ("state=Run* and name=lpar0[12]", "lpar01 lpar02"),
        ("partition='AIX 3'", "lpar03"),
        ("partition=vios1 or partition=other", "vios1 other"),
        ("hmc=hmc01 and name!=lpar*", "p10a vios1"),
        ("mtms=9105-42A*", "p10a"),
        ("hostname=10.0.0.? or hostname=hmc02", "hmc02 other"),
        ("identity=1 or identity>7", "vios1"),
        ("ioslevel>=4.1 and ioslevel<4.2", "vios1"),
        ("location=/after.sh and server=master", "after"),
        ("version>1", "lpar03"),
        ("comments=alone", "other"),
        ("comments='' and label.env=prod", ""),
        ("label.tier='' and label.env!=''", "lpar01 lpar02 lpar04 lpar05 other"),
        ("seen=2023-11-14", "lpar01 lpar02 lpar03 lpar04 vios1"),
        ("seen<2023-11-14T22:13:20Z", ""),
        ("created<2020-01-01 or changed<2020-01-01", ""),
        ("operation=queued", "lpar05"),
    ] {
        let filter = ObjectFilter { fields: Some(fields.parse().unwrap()), ..all() };
        assert_eq!(names(&store, &filter).await.join(" "), wanted, "{fields}");
    }
    for (labels, wanted) in [
        ("env=test,tier", "lpar03"),
        ("env=test,!tier", "lpar01 lpar02 lpar04 lpar05"),
        ("env in (prod, other)", "other"),
        ("env", "lpar01 lpar02 lpar03 lpar04 lpar05 other"),
        ("env notin (test),tier!=db", "hmc01 hmc02 p10a vios1 other after"),
    ] {
        let labels = labels.parse::<Selector>().unwrap().0;
        let filter = ObjectFilter { labels: labels.clone(), ..all() };
        assert_eq!(names(&store, &filter).await.join(" "), wanted, "{labels:?}");
    }
}

#[tokio::test]
async fn every_field_can_be_compared_sorted_by_and_shown() {
    let store = fleet().await;
    for field in Field::ALL.iter().chain([&Field::Label("env".to_owned())]) {
        let value = match field.kind() {
            Kind::Text => "a*",
            Kind::Number => "7",
            Kind::Level => "7300-03",
            Kind::ViosLevel => "3.1.4",
            Kind::Time => "2026-01-31",
            Kind::Labels => continue,
        };
        for sign in ["=", "!=", "<", ">="] {
            let Ok(fields) = format!("{field}{sign}{value}").parse() else { continue };
            let sort = format!("-{field},{field}").parse().unwrap();
            let filter = ObjectFilter { fields: Some(fields), sort, ..all() };
            store.objects(&filter, None, 2).await.unwrap();
        }
    }
    let columns: Vec<_> = Field::ALL.iter().map(ToString::to_string).collect();
    let columns: Columns = format!("{},label.tier", columns.join(",")).parse().unwrap();
    let lpar03 = ObjectFilter { names: vec!["lpar03".parse().unwrap()], ..all() };
    let rows = store.object_rows(&lpar03, &columns, None, 10).await.unwrap().items;
    let shown: Vec<_> = columns.0.iter().zip(&rows[0]).collect();
    let text = |of: Field| match &shown.iter().find(|(field, _)| **field == of).unwrap().1 {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::None => String::new(),
    };
    for (field, wanted) in [
        (Field::Name, "lpar03"),
        (Field::Oslevel, "7300-02-04-2446"),
        (Field::Partition, "AIX 3"),
        (Field::Frame, "p10a"),
        (Field::Hmc, "hmc01"),
        (Field::Seen, "2023-11-14T22:13:20Z"),
        (Field::Labels, "env=test tier=db"),
        (Field::Version, "2"),
        (Field::Mtms, ""),
        (Field::Label("tier".to_owned()), "db"),
    ] {
        assert_eq!(text(field.clone()), wanted, "{field}");
    }
    let vios = ObjectFilter { names: vec!["vios1".parse().unwrap()], ..all() };
    let rows =
        store.object_rows(&vios, &"ioslevel,identity".parse().unwrap(), None, 10).await.unwrap();
    assert_eq!(rows.items, [[Cell::Text("4.1.0.10".to_owned()), Cell::Number(1)]]);
}

#[tokio::test]
async fn what_is_not_known_is_sorted_last_and_what_is_equal_as_it_was_made() {
    let store = fleet().await;
    for (sort, wanted) in [
        ("oslevel", "lpar02 lpar03 lpar01 lpar04 lpar05 other"),
        ("-oslevel", "lpar01 lpar03 lpar02 lpar04 lpar05 other"),
        ("-label.env,-name", "lpar05 lpar04 lpar03 lpar02 lpar01 other"),
        ("state", "lpar04 lpar01 lpar02 lpar03 lpar05 other"),
    ] {
        let sort = sort.parse().unwrap();
        let filter = ObjectFilter { types: vec![ObjectType::Standalone], sort, ..all() };
        assert_eq!(names(&store, &filter).await.join(" "), wanted, "{:?}", filter.sort);
    }
}

/// Reads a list page by page; `between` is done between two pages.
async fn paged(
    store: &Store,
    filter: &ObjectFilter,
    limit: u32,
    between: impl AsyncFn(usize),
) -> Vec<String> {
    let (mut all, mut place, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.objects(filter, place, limit).await.unwrap();
        assert!(page.items.len() <= usize::try_from(limit).unwrap());
        all.extend(page.items.iter().map(|one| one.object.name.to_string()));
        place = page.next.map(|place| place.to_string().parse().unwrap());
        if place.is_none() {
            return all;
        }
        between(pages).await;
        pages += 1;
    }
}

#[tokio::test]
async fn no_object_is_missed_or_doubled_while_others_come_go_and_change() {
    let database = TestDatabase::migrated().await;
    // Two masters: the next page may be asked of the other one.
    let (store, other) = (database.store().await, database.store().await);
    site(&store, 30).await;
    let change = async |page: usize| {
        let gone = name(&format!("lpar{:02}", page + 1));
        drop(other.remove(&gone, SOMEBODY).await);
        // Changed so that they are sorted to the other end.
        for number in [15, 20, 25] {
            let called = name(&format!("lpar{number}"));
            let mut one = other.object(&called).await.unwrap().object;
            one.comments = Some(format!("{}", 9 - page));
            other.change(&one, None, SOMEBODY).await.unwrap();
        }
        let new = format!("new{}", Uuid::now_v7().simple());
        let (new, if1) = (&new[..30], format!("find_net {new} 0"));
        other
            .define(&object(ObjectType::Standalone, new, &[("if1", &if1)]), SOMEBODY)
            .await
            .unwrap();
    };
    for sort in ["", "comments,-name"] {
        let sort = if sort.is_empty() {
            nim_shared::select::Sort::default()
        } else {
            sort.parse().unwrap()
        };
        let filter = ObjectFilter {
            types: vec![ObjectType::Standalone],
            names: vec!["lpar*".parse().unwrap()],
            sort,
            ..all()
        };
        let before = names(&store, &filter).await;
        let listed = paged(&store, &filter, 7, change).await;
        let after = names(&other, &filter).await;
        let stayed: Vec<_> = before.iter().filter(|name| after.contains(name)).collect();
        let found: Vec<_> = listed.iter().filter(|name| after.contains(name)).collect();
        assert_eq!(
            found, stayed,
            "{:?}: each that stays, once, in the order of the beginning",
            filter.sort
        );
    }
}

#[tokio::test]
async fn a_frozen_list_crosses_its_parts_skips_what_is_gone_and_ends() {
    let store = testing::store().await;
    let lpar = |number: u32| {
        let called = format!("lpar{number:04}");
        Change::Define(object(
            ObjectType::Standalone,
            &called,
            &[("if1", &format!("find_net {called} 0"))],
        ))
    };
    store.apply((0..2500).map(lpar).collect(), Mode::Store, SOMEBODY).await.unwrap();
    let filter = ObjectFilter { sort: "-name".parse().unwrap(), ..all() };
    let listed = paged(&store, &filter, 700, async |_| {}).await;
    let wanted: Vec<_> = (0..2500).rev().map(|number| format!("lpar{number:04}")).collect();
    assert_eq!(listed, wanted);
    // A whole page in the middle goes.
    let page = store.objects(&filter, None, 1000).await.unwrap();
    let gone: Vec<ObjectName> = wanted[1000..2000].iter().map(|one| name(one)).collect();
    store
        .apply(gone.into_iter().map(Change::Remove).collect(), Mode::Store, SOMEBODY)
        .await
        .unwrap();
    let rest = store.objects(&filter, page.next, 1000).await.unwrap();
    assert_eq!(rest.items[0].object.name.as_str(), wanted[2000]);
    assert_eq!((rest.items.len(), rest.next), (500, None));
    let list = match page.next {
        Some(Place::Frozen { list, .. }) => list,
        other => panic!("{other:?}"),
    };
    query("UPDATE frozen_list SET made_at = now() - interval '2 hours' WHERE id = $1")
        .bind(list)
        .execute(&store.pool)
        .await
        .unwrap();
    let late = store.objects(&filter, page.next, 1000).await;
    assert!(matches!(late, Err(Error::NoSuchList)), "{late:?}");
    // The next one that is frozen takes it away.
    store.objects(&filter, None, 10).await.unwrap();
    let kept: bool = query_scalar("SELECT EXISTS (SELECT FROM frozen_list WHERE id = $1)")
        .bind(list)
        .fetch_one(&store.pool)
        .await
        .unwrap();
    assert!(!kept);
    for _ in 0..LISTS + 5 {
        store.objects(&filter, None, 10).await.unwrap();
    }
    let lists: i64 = query_scalar("SELECT count(DISTINCT id) FROM frozen_list")
        .fetch_one(&store.pool)
        .await
        .unwrap();
    assert_eq!(lists, LISTS);
}

#[tokio::test]
async fn lpars_are_counted_by_the_level_that_their_hmc_showed() {
    let store = fleet().await;
    let counted = store.levels().await.unwrap();
    let rows: Vec<_> = counted
        .iter()
        .map(|row| {
            let names: Vec<_> = row.examples.iter().map(ObjectName::as_str).collect();
            (row.level.as_deref(), row.lpars, names.join(" "), row.oldest_reading.is_some())
        })
        .collect();
    assert_eq!(
        rows,
        [
            (Some("7200-05-10-2420"), 1, "lpar02".to_owned(), true),
            (Some("7300-02-04-2446"), 1, "lpar03".to_owned(), true),
            (Some("7300-03-01-2520"), 1, "lpar01".to_owned(), true),
            (None, 3, "lpar04 lpar05 other".to_owned(), false),
        ]
    );
    // A later reading counts, and what it does not show is not known any more.
    let mut next = shown(&[("lpar02", "Running", "AIX 7.3 7300-03-01-2520")]);
    next.reading.read_at = store.now().await.unwrap();
    store.record_reading(&name("p10a"), &next).await.unwrap();
    let counted = store.levels().await.unwrap();
    let rows: Vec<_> = counted.iter().map(|row| (row.level.as_deref(), row.lpars)).collect();
    assert_eq!(rows, [(Some("7300-03-01-2520"), 1), (None, 5)]);
}

#[test]
fn a_place_reads_what_it_writes() {
    let list = Uuid::now_v7();
    for place in [Place::Behind(17), Place::Frozen { list, behind: 2000 }] {
        assert_eq!(place.to_string().parse(), Ok(place));
    }
    for text in ["", "x", "-1", "1.2", "."] {
        assert_eq!(text.parse::<Place>(), Err(BadPlace), "{text:?}");
    }
}
