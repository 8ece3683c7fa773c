//! Secrets as ciphertext, who may log in at an HMC now, and the host keys on record.

use super::migration;

migration! {
    /// Secrets, login turns, host keys.
    M0004Secret, "m0004_secret", level 4, r#"
CREATE TABLE secret (
    name text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    changed_by bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    refused_at timestamptz,
    refused_by text
);

CREATE TABLE login_turn (
    hmc text COLLATE "C" PRIMARY KEY,
    turn uuid NOT NULL,
    secret text COLLATE "C" NOT NULL,
    until timestamptz NOT NULL
);

CREATE TABLE host_key (
    holder text COLLATE "C" NOT NULL,
    algorithm text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    confirmed_by bigint NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (holder, algorithm)
);
"#
}
