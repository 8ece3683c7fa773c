//! A host key on record.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "host_key")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) holder: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) algorithm: String,
    pub(in crate::store) key: String,
    pub(in crate::store) source: String,
    pub(in crate::store) confirmed_by: i64,
    pub(in crate::store) added_at: TimeDateTimeWithTimeZone,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
