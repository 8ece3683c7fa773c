//! Lists of objects: which are wanted, as whole objects or as rows of columns.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use nim_shared::api::{Cell, FileFault, ObjectView, Page};
use nim_shared::select::{Columns, Filter, Selector, Sort};

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::Query;
use super::lines::{FIRST, MORE, Source, stream};
use super::object::views;
use crate::store::object::{ObjectFilter, Place};

/// `GET /v1/objects`: a page.
pub(super) async fn page(
    State(api): State<Api>,
    mut query: Query,
) -> Answer<Json<Page<ObjectView>>> {
    let filter = wanted(&mut query)?;
    let place = query.one::<Place>("after")?;
    let limit = query.limit()?;
    query.end()?;
    let page = api.store.objects(&filter, place, limit).await?;
    let next = page.next.map(|place| place.to_string());
    Ok(Json(Page { items: views(&api, page.items).await?, next }))
}

/// `GET /v1/list`: all of them, streamed.
pub(super) async fn list(State(api): State<Api>, mut query: Query) -> Answer<Response> {
    let cursor = Cursor::of(&mut query)?;
    query.end()?;
    stream(&api, Objects { api: api.clone(), cursor }).await
}

/// `GET /v1/rows`: all of them, of each some columns, streamed.
pub(super) async fn rows(State(api): State<Api>, mut query: Query) -> Answer<Response> {
    let cursor = Cursor::of(&mut query)?;
    let columns = read::<Columns>(&mut query, "columns")?;
    query.end()?;
    let columns = columns.ok_or_else(|| {
        Refusal::usage("NLU-0126", "columns has to say what is wanted of each object")
    })?;
    stream(&api, Rows { api: api.clone(), columns, cursor }).await
}

/// Which objects a request wants.
fn wanted(query: &mut Query) -> Answer<ObjectFilter> {
    let selectors: Vec<Selector> = query
        .all::<String>("label")?
        .iter()
        .map(|text| text.parse().map_err(|cause| not_understood("label", text, &cause)))
        .collect::<Result<_, _>>()?;
    Ok(ObjectFilter {
        types: query.all("type")?,
        classes: query.all("class")?,
        names: query.names("name")?,
        labels: selectors.into_iter().flat_map(|selector| selector.0).collect(),
        fields: read::<Filter>(query, "where")?,
        sort: read::<Sort>(query, "sort")?.unwrap_or_default(),
    })
}

/// Takes a parameter that is a small language of its own.
fn read<T: FromStr<Err: std::error::Error>>(query: &mut Query, name: &str) -> Answer<Option<T>> {
    let text = query.one::<String>(name)?;
    text.map(|text| text.parse().map_err(|cause| not_understood(name, &text, &cause))).transpose()
}

/// What is wrong with what somebody wrote, under it.
fn not_understood(name: &str, text: &str, cause: &dyn std::error::Error) -> Refusal {
    let fault = FileFault {
        file: None,
        line: None,
        path: name.to_owned(),
        message: nim_shared::id::printable(&cause.to_string()),
    };
    Refusal::usage("NLU-0126", format!("\"{text}\" cannot be understood")).faults(vec![fault])
}

/// How far a list has been read.
pub(super) struct Cursor {
    /// What is listed.
    pub(super) filter: ObjectFilter,
    /// How many are still wanted.
    left: u32,
    size: u32,
    next: Next,
}

enum Next {
    First,
    At(Place),
    End,
}

impl Cursor {
    /// At the beginning of what a request wants.
    fn of(query: &mut Query) -> Answer<Self> {
        let left = query.one::<u32>("limit")?.unwrap_or(u32::MAX);
        Ok(Self::new(wanted(query)?, left))
    }

    /// At the beginning of a list, of which no more than `most` are wanted.
    pub(super) const fn new(filter: ObjectFilter, most: u32) -> Self {
        Self { filter, left: most, size: FIRST, next: Next::First }
    }

    /// Where the next part begins, and how many items it may have; `None` at the end.
    pub(super) fn part(&self) -> Option<(Option<Place>, u32)> {
        let limit = self.size.min(self.left);
        match self.next {
            _ if limit == 0 => None,
            Next::First => Some((None, limit)),
            Next::At(place) => Some((Some(place), limit)),
            Next::End => None,
        }
    }

    /// Notes what was read.
    pub(super) fn read(&mut self, items: usize, next: Option<Place>) {
        self.left = self.left.saturating_sub(u32::try_from(items).unwrap_or(u32::MAX));
        self.size = MORE;
        self.next = next.map_or(Next::End, Next::At);
    }
}

/// Whole objects.
struct Objects {
    api: Api,
    cursor: Cursor,
}

impl Source for Objects {
    type Item = ObjectView;

    async fn next(&mut self) -> Answer<Option<Vec<ObjectView>>> {
        let Some((place, limit)) = self.cursor.part() else { return Ok(None) };
        let page = self.api.store.objects(&self.cursor.filter, place, limit).await?;
        self.cursor.read(page.items.len(), page.next);
        Ok(Some(views(&self.api, page.items).await?))
    }
}

/// Rows of columns.
struct Rows {
    api: Api,
    columns: Columns,
    cursor: Cursor,
}

impl Source for Rows {
    type Item = Vec<Cell>;

    async fn next(&mut self) -> Answer<Option<Vec<Vec<Cell>>>> {
        let Some((place, limit)) = self.cursor.part() else { return Ok(None) };
        let (store, filter) = (&self.api.store, &self.cursor.filter);
        let page = store.object_rows(filter, &self.columns, place, limit).await?;
        self.cursor.read(page.items.len(), page.next);
        Ok(Some(page.items))
    }
}
