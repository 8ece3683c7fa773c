//! What was done to an object.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "object_history")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key)]
    pub(in crate::store) id: i64,
    pub(in crate::store) name: String,
    pub(in crate::store) what: String,
    pub(in crate::store) version: i64,
    pub(in crate::store) before: Option<Json>,
    pub(in crate::store) after: Option<Json>,
    pub(in crate::store) by_uid: i64,
    pub(in crate::store) at: TimeDateTimeWithTimeZone,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
