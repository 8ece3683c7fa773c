//! A piece of raw output.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "output")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) operation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) epoch: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) stream: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(in crate::store) offset: i64,
    pub(in crate::store) data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(in crate::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
