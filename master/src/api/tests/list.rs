//! Lists: selections, pages and streams.

use serde_json::{Value, json};

use super::client::Fixture;

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

/// The lines of a stream.
async fn lines(nimd: &Fixture, path: &str) -> Vec<Value> {
    let (status, text) = nimd.text("GET", path).await;
    assert_eq!(status, 200, "{path}: {text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn objects_are_selected_sorted_and_paged() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    for (query, wanted) in [
        ("where=frame%3Dframe01&sort=-name", vec!["lpar02", "lpar01"]),
        ("where=type%3Dstandalone%20and%20not%20frame%3Dframe*", vec!["down01", "slow01"]),
        ("label=nhdisk", vec!["lpar01", "lpar02"]),
        ("label=nhdisk!%3Dhdisk2&type=standalone", vec!["lpar02", "down01", "slow01"]),
        ("type=standalone&sort=identity,-name", vec!["lpar01", "slow01", "lpar02", "down01"]),
    ] {
        let (status, page) = nimd.get(&format!("/v1/objects?{query}")).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(names(&page), wanted, "{query}");
    }
    let sorted = "/v1/objects?type=standalone&sort=-name&limit=3";
    let (_, first) = nimd.get(sorted).await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = nimd.get(&format!("{sorted}&after={next}")).await;
    assert_eq!([names(&first), names(&second)].concat(), ["slow01", "lpar02", "lpar01", "down01"]);
    assert_eq!(second["next"], Value::Null);
    let gone = "01990000-0000-7000-8000-000000000000.3";
    let (status, failure) = nimd.get(&format!("{sorted}&after={gone}")).await;
    assert_eq!((status, failure["code"].as_str()), (404, Some("NLU-0314")), "{failure}");
}

#[tokio::test]
async fn what_is_wrong_with_a_selection_is_named_with_its_place_and_what_there_is() {
    let nimd = Fixture::start().await;
    for (query, path, message) in [
        (
            "where=name%3Da%20and%20oslvl%3C7",
            "where",
            "character 12: there is no field \"oslvl\"; did you mean \"oslevel\"? (fields: name,",
        ),
        ("where=name%3Ca", "where", "character 1: name is a text, which `<` makes no sense of"),
        ("label=a%20b", "label", "character 1: \"a b\" is no requirement of a label"),
        ("sort=colour", "sort", "there is no field \"colour\" (fields: name,"),
    ] {
        for route in ["objects", "list", "rows"] {
            let (status, failure) = nimd.get(&format!("/v1/{route}?{query}")).await;
            let fault = &failure["faults"][0];
            assert_eq!(
                (status, &failure["code"], &fault["path"]),
                (400, &json!("NLU-0126"), &json!(path))
            );
            assert!(fault["message"].as_str().unwrap().starts_with(message), "{failure}");
        }
    }
    for query in ["", "columns=name,name", "columns=nam"] {
        let (status, failure) = nimd.get(&format!("/v1/rows?{query}")).await;
        assert_eq!((status, &failure["code"]), (400, &json!("NLU-0126")), "{failure}");
    }
}

#[tokio::test]
async fn a_list_is_streamed_with_its_end() {
    let nimd = Fixture::start().await;
    let lpars: String = (0..2100)
        .map(|number| format!("- {{name: lpar{number:04}, if1: find_net lpar{number:04} 0}}\n"))
        .collect();
    let (status, _) = nimd.apply(&format!("standalone:\n{lpars}"), false).await;
    assert_eq!(status, 200);
    let listed = lines(&nimd, "/v1/list?type=standalone&sort=-name").await;
    assert_eq!(listed.len(), 2101);
    assert_eq!(listed[0]["item"]["name"], "lpar2099");
    assert_eq!(listed[2099]["item"]["name"], "lpar0000");
    assert_eq!(listed[2100], json!({"end": {"items": 2100}}));
    assert_eq!(lines(&nimd, "/v1/list?limit=1060").await.len(), 1061);
    assert_eq!(lines(&nimd, "/v1/list?type=vios").await, [json!({"end": {"items": 0}})]);
    let rows = lines(&nimd, "/v1/rows?name=lpar000*&columns=name,oslevel,version&limit=2").await;
    assert_eq!(
        rows,
        [
            json!({"item": ["lpar0000", null, 1]}),
            json!({"item": ["lpar0001", null, 1]}),
            json!({"end": {"items": 2}}),
        ]
    );
    // Nobody reads on, and the stream is given up: others are served.
    let many = Fixture::on(nimd.store.clone(), "api: {watchers: 1}\n").await;
    for _ in 0..3 {
        let stream = many.begin("/v1/list").await;
        let (status, failure) = many.get("/v1/list").await;
        assert_eq!((status, failure["code"].as_str()), (503, Some("NLU-0133")), "{failure}");
        drop(stream);
        while many.text("GET", "/v1/list?limit=1").await.0 != 200 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_stream_that_nimd_cannot_go_on_with_says_so() {
    let nimd = Fixture::start().await;
    let lpars: String = (0..5000)
        .map(|number| format!("- {{name: lpar{number:04}, if1: find_net lpar{number:04} 0}}\n"))
        .collect();
    nimd.apply(&format!("standalone:\n{lpars}"), false).await;
    let stream = nimd.begin("/v1/list").await;
    nimd.end();
    let text = stream.rest().await;
    let last = text.lines().last().unwrap_or_default();
    assert!(!last.contains("\"end\""), "it came to its end: {last}");
}

#[tokio::test]
async fn frames_and_adapters_are_streamed_by_frame() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let more = "hmc:\n- {name: hmc00, if1: find_net 10.1.0.9 0}\ncec:\n\
                - {name: frame02, hw_type: 9105, hw_model: 42A, hw_serial: 78ABCDF, mgmt_source: hmc00}\n\
                - {name: frame03, hw_type: 9105, hw_model: 42A, hw_serial: 78ABCDG, mgmt_source: [hmc01, hmc00]}\n";
    assert_eq!(nimd.apply(more, false).await.0, 200);
    let frames = |lines: Vec<Value>| -> Vec<String> {
        let names = lines.iter().filter_map(|line| line["item"]["name"].as_str());
        names.map(ToOwned::to_owned).collect()
    };
    let all = lines(&nimd, "/v1/frames").await;
    assert_eq!(all[0]["item"]["partitions"][0]["object"], "lpar01", "{all:?}");
    assert_eq!(frames(all), ["frame01", "frame03", "frame02"], "those of one HMC together");
    assert_eq!(frames(lines(&nimd, "/v1/frames?name=frame02").await), ["frame02"]);
    assert_eq!(frames(lines(&nimd, "/v1/frames?name=hmc00").await), ["frame03", "frame02"]);
    let machines = lines(&nimd, "/v1/adapters").await;
    assert_eq!(frames(machines), ["lpar01", "lpar02", "down01", "slow01"]);
}
