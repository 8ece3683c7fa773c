//! An object with all its attributes: the view `nim_object_spec`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "nim_object_spec")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key)]
    pub(in crate::store) id: i64,
    pub(in crate::store) name: String,
    pub(in crate::store) class: String,
    pub(in crate::store) r#type: String,
    pub(in crate::store) labels: Json,
    pub(in crate::store) comments: Option<String>,
    pub(in crate::store) version: i64,
    pub(in crate::store) created_at: TimeDateTimeWithTimeZone,
    pub(in crate::store) changed_at: TimeDateTimeWithTimeZone,
    pub(in crate::store) spec: Json,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
