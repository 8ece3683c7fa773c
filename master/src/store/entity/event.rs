//! One journalled event.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) operation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) epoch: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) seq: i64,
    pub(in crate::store) hash: Vec<u8>,
    pub(in crate::store) at: TimeDateTimeWithTimeZone,
    pub(in crate::store) body: Json,
    pub(in crate::store) stored_at: TimeDateTimeWithTimeZone,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
