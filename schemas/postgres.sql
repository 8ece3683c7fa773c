-- The schema as the migrations leave it. Written by a test: UPDATE_SCHEMAS=1.

CREATE TABLE public.batch (
    id uuid NOT NULL,
    token uuid NOT NULL,
    digest bytea NOT NULL,
    requested_by bigint NOT NULL,
    concurrent bigint,
    time_limit_seconds bigint,
    request jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    again_of uuid
);

CREATE TABLE public.change_list (
    operation_id uuid NOT NULL,
    number bigint NOT NULL,
    moment text NOT NULL,
    class text NOT NULL,
    effect jsonb NOT NULL,
    error text,
    epoch bigint NOT NULL,
    seq bigint NOT NULL
);

CREATE TABLE public.commit_mark (
    token uuid NOT NULL,
    asked boolean DEFAULT false NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE UNLOGGED TABLE public.database_life (
    one boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT database_life_one_check CHECK (one)
);

CREATE TABLE public.disk_reading (
    lpar_id bigint NOT NULL,
    read_at timestamp with time zone NOT NULL,
    disks jsonb NOT NULL
);

CREATE TABLE public.event (
    operation_id uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    body jsonb NOT NULL,
    stored_at timestamp with time zone DEFAULT now() NOT NULL
)

PARTITION BY RANGE (operation_id);

CREATE TABLE public.event_default (
    operation_id uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    body jsonb NOT NULL,
    stored_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.follow_up_action (
    id bigint NOT NULL,
    operation_id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    owner uuid,
    attempts integer DEFAULT 0 NOT NULL,
    done_at timestamp with time zone
);

ALTER TABLE public.follow_up_action ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.follow_up_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.frame_partition (
    cec_id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    rmc_state text NOT NULL,
    os_version text NOT NULL,
    level bigint GENERATED ALWAYS AS ((replace("substring"(os_version, '^AIX +[^ ]+ +([0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{4})( |$)'::text), '-'::text, ''::text))::bigint) STORED
);

CREATE TABLE public.frame_reading (
    cec_id bigint NOT NULL,
    read_at timestamp with time zone NOT NULL,
    reading jsonb NOT NULL,
    partitions jsonb DEFAULT '[]'::jsonb NOT NULL
);

CREATE TABLE public.frozen_list (
    id uuid NOT NULL,
    part integer NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    ids bigint[] NOT NULL
);

CREATE TABLE public.host_key (
    holder text NOT NULL COLLATE pg_catalog."C",
    algorithm text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    confirmed_by bigint NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.login_turn (
    hmc text NOT NULL COLLATE pg_catalog."C",
    turn uuid NOT NULL,
    secret text NOT NULL COLLATE pg_catalog."C",
    until timestamp with time zone NOT NULL,
    version bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.lpp_fault (
    object_id bigint NOT NULL,
    "position" integer NOT NULL,
    path text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL
);

CREATE TABLE public.lpp_file (
    object_id bigint NOT NULL,
    path text NOT NULL COLLATE pg_catalog."C",
    bytes bigint NOT NULL,
    digest bytea NOT NULL
);

CREATE TABLE public.lpp_fileset (
    object_id bigint NOT NULL,
    "position" integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    level text NOT NULL,
    package text NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    requisites jsonb NOT NULL,
    path text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.lpp_ifix (
    object_id bigint NOT NULL,
    "position" integer NOT NULL,
    label text NOT NULL,
    description text NOT NULL,
    live_update boolean,
    reboot boolean,
    requisites jsonb NOT NULL,
    path text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.lpp_index (
    object_id bigint NOT NULL,
    revision bigint NOT NULL,
    indexed_at timestamp with time zone DEFAULT now() NOT NULL,
    not_indexed text,
    level text,
    level_by text
);

CREATE TABLE public.maintenance (
    object_id bigint NOT NULL,
    reason text NOT NULL,
    by_uid bigint NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.master (
    id uuid NOT NULL,
    place text NOT NULL,
    version text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    beat_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone NOT NULL
);

CREATE TABLE public.master_hook (
    operation_id uuid NOT NULL,
    number integer NOT NULL,
    point text NOT NULL,
    name text NOT NULL,
    meaning text NOT NULL,
    state text DEFAULT 'due'::text NOT NULL,
    status integer,
    output text DEFAULT ''::text NOT NULL,
    begun_by uuid,
    begun_at timestamp with time zone,
    ended_at timestamp with time zone
);

CREATE TABLE public.nim_allocation (
    resource_id bigint NOT NULL,
    machine_id bigint NOT NULL
);

CREATE TABLE public.nim_cec (
    object_id bigint NOT NULL,
    hw_type text NOT NULL COLLATE pg_catalog."C",
    hw_model text NOT NULL COLLATE pg_catalog."C",
    hw_serial text NOT NULL COLLATE pg_catalog."C",
    update_limit bigint,
    attributes jsonb NOT NULL
);

CREATE TABLE public.nim_cec_hmc (
    cec_id bigint NOT NULL,
    hmc_id bigint NOT NULL,
    preference integer NOT NULL,
    last_state text,
    last_state_at timestamp with time zone
);

CREATE TABLE public.nim_check (
    object_id bigint NOT NULL,
    checked_at timestamp with time zone DEFAULT now() NOT NULL,
    problem text
);

CREATE TABLE public.nim_ent (
    object_id bigint NOT NULL,
    net_addr text NOT NULL COLLATE pg_catalog."C",
    snm text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.nim_ent_route (
    ent_id bigint NOT NULL,
    "position" integer NOT NULL,
    destination_id bigint,
    here text NOT NULL COLLATE pg_catalog."C",
    there text COLLATE pg_catalog."C"
);

CREATE TABLE public.nim_hmc (
    object_id bigint NOT NULL,
    hostname text NOT NULL COLLATE pg_catalog."C",
    network_id bigint,
    update_limit bigint,
    attributes jsonb NOT NULL
);

CREATE TABLE public.nim_live_update_data (
    object_id bigint NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE public.nim_lpp_source (
    object_id bigint NOT NULL,
    location text NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE public.nim_mac_group (
    object_id bigint NOT NULL
);

CREATE TABLE public.nim_mac_group_member (
    group_id bigint NOT NULL,
    member_id bigint NOT NULL,
    "position" integer NOT NULL,
    excluded boolean DEFAULT false NOT NULL
);

CREATE TABLE public.nim_master (
    object_id bigint NOT NULL,
    hostname text NOT NULL COLLATE pg_catalog."C",
    network_id bigint,
    attributes jsonb NOT NULL
);

CREATE TABLE public.nim_object (
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    class text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    labels jsonb NOT NULL,
    comments text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.nim_object ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.nim_object_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.nim_res_group (
    object_id bigint NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE public.nim_res_group_member (
    group_id bigint NOT NULL,
    attribute text NOT NULL,
    "position" integer NOT NULL,
    member_id bigint NOT NULL
);

CREATE TABLE public.nim_resource (
    object_id bigint NOT NULL,
    location text NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE public.nim_standalone (
    object_id bigint NOT NULL,
    hostname text NOT NULL COLLATE pg_catalog."C",
    network_id bigint,
    cec_id bigint,
    identity bigint,
    installation uuid,
    attributes jsonb NOT NULL,
    partition text COLLATE pg_catalog."C"
);

CREATE TABLE public.nim_vios (
    object_id bigint NOT NULL,
    hostname text NOT NULL COLLATE pg_catalog."C",
    network_id bigint,
    cec_id bigint NOT NULL,
    identity bigint NOT NULL,
    attributes jsonb NOT NULL
);

CREATE VIEW public.nim_object_spec AS
 SELECT o.id,
    o.name,
    o.class,
    o.type,
    o.labels,
    o.comments,
    o.version,
    o.created_at,
    o.changed_at,
    (jsonb_build_object('type', o.type) ||
        CASE o.type
            WHEN 'ent'::text THEN ( SELECT jsonb_build_object('net_addr', t.net_addr, 'snm', t.snm, 'routing', COALESCE(( SELECT jsonb_agg(
                            CASE
                                WHEN (r.there IS NULL) THEN ('default '::text || r.here)
                                ELSE ((((( SELECT d.name
                                   FROM public.nim_object d
                                  WHERE (d.id = r.destination_id)) || ' '::text) || r.here) || ' '::text) || r.there)
                            END ORDER BY r."position") AS jsonb_agg
                       FROM public.nim_ent_route r
                      WHERE (r.ent_id = t.object_id)), '[]'::jsonb)) AS jsonb_build_object
               FROM public.nim_ent t
              WHERE (t.object_id = o.id))
            WHEN 'hmc'::text THEN ( SELECT (t.attributes || jsonb_strip_nulls(jsonb_build_object('limit', t.update_limit)))
               FROM public.nim_hmc t
              WHERE (t.object_id = o.id))
            WHEN 'cec'::text THEN ( SELECT (t.attributes || jsonb_strip_nulls(jsonb_build_object('hw_type', t.hw_type, 'hw_model', t.hw_model, 'hw_serial', t.hw_serial, 'limit', t.update_limit, 'mgmt_source', COALESCE(( SELECT jsonb_agg(( SELECT h.name
                               FROM public.nim_object h
                              WHERE (h.id = l.hmc_id)) ORDER BY l.preference) AS jsonb_agg
                       FROM public.nim_cec_hmc l
                      WHERE (l.cec_id = t.object_id)), '[]'::jsonb))))
               FROM public.nim_cec t
              WHERE (t.object_id = o.id))
            WHEN 'vios'::text THEN ( SELECT (t.attributes || jsonb_build_object('identity', t.identity, 'mgmt_source', ( SELECT f.name
                       FROM public.nim_object f
                      WHERE (f.id = t.cec_id))))
               FROM public.nim_vios t
              WHERE (t.object_id = o.id))
            WHEN 'standalone'::text THEN ( SELECT (t.attributes || jsonb_strip_nulls(jsonb_build_object('identity', t.identity, 'installation', t.installation, 'mgmt_source', ( SELECT f.name
                       FROM public.nim_object f
                      WHERE (f.id = t.cec_id)))))
               FROM public.nim_standalone t
              WHERE (t.object_id = o.id))
            WHEN 'live_update_data'::text THEN ( SELECT t.attributes
               FROM public.nim_live_update_data t
              WHERE (t.object_id = o.id))
            WHEN 'lpp_source'::text THEN ( SELECT (t.attributes || jsonb_build_object('location', t.location))
               FROM public.nim_lpp_source t
              WHERE (t.object_id = o.id))
            WHEN 'master'::text THEN ( SELECT t.attributes
               FROM public.nim_master t
              WHERE (t.object_id = o.id))
            WHEN 'res_group'::text THEN ( SELECT (t.attributes || COALESCE(( SELECT jsonb_object_agg(m.attribute, m.names) AS jsonb_object_agg
                       FROM ( SELECT l.attribute,
                                    CASE

WHEN (min(l."position") = 0) THEN (jsonb_agg(r.name) -> 0)

ELSE jsonb_agg(r.name ORDER BY l."position")
                                    END AS names
                               FROM (public.nim_res_group_member l
                                 JOIN public.nim_object r ON ((r.id = l.member_id)))
                              WHERE (l.group_id = o.id)
                              GROUP BY l.attribute) m), '{}'::jsonb))
               FROM public.nim_res_group t
              WHERE (t.object_id = o.id))
            WHEN 'mac_group'::text THEN ( SELECT jsonb_build_object('member', COALESCE(( SELECT jsonb_agg(( SELECT m.name
                               FROM public.nim_object m
                              WHERE (m.id = l.member_id)) ORDER BY l."position") AS jsonb_agg
                       FROM public.nim_mac_group_member l
                      WHERE (l.group_id = o.id)), '[]'::jsonb), 'excluded', COALESCE(( SELECT jsonb_agg(( SELECT m.name
                               FROM public.nim_object m
                              WHERE (m.id = l.member_id)) ORDER BY l."position") AS jsonb_agg
                       FROM public.nim_mac_group_member l
                      WHERE ((l.group_id = o.id) AND l.excluded)), '[]'::jsonb)) AS jsonb_build_object)
            ELSE ( SELECT (t.attributes || jsonb_build_object('location', t.location))
               FROM public.nim_resource t
              WHERE (t.object_id = o.id))
        END) AS spec
   FROM public.nim_object o;

CREATE VIEW public.nim_reference AS
 SELECT nim_ent_route.ent_id AS from_id,
    nim_ent_route.destination_id AS to_id,
    'routing'::text AS attribute
   FROM public.nim_ent_route
  WHERE (nim_ent_route.destination_id IS NOT NULL)

UNION ALL
 SELECT nim_hmc.object_id AS from_id,
    nim_hmc.network_id AS to_id,
    'if1'::text AS attribute
   FROM public.nim_hmc
  WHERE (nim_hmc.network_id IS NOT NULL)

UNION ALL
 SELECT nim_vios.object_id AS from_id,
    nim_vios.network_id AS to_id,
    'if1'::text AS attribute
   FROM public.nim_vios
  WHERE (nim_vios.network_id IS NOT NULL)

UNION ALL
 SELECT nim_standalone.object_id AS from_id,
    nim_standalone.network_id AS to_id,
    'if1'::text AS attribute
   FROM public.nim_standalone
  WHERE (nim_standalone.network_id IS NOT NULL)

UNION ALL
 SELECT nim_cec_hmc.cec_id AS from_id,
    nim_cec_hmc.hmc_id AS to_id,
    'mgmt_source'::text AS attribute
   FROM public.nim_cec_hmc

UNION ALL
 SELECT nim_vios.object_id AS from_id,
    nim_vios.cec_id AS to_id,
    'mgmt_source'::text AS attribute
   FROM public.nim_vios

UNION ALL
 SELECT nim_standalone.object_id AS from_id,
    nim_standalone.cec_id AS to_id,
    'mgmt_source'::text AS attribute
   FROM public.nim_standalone
  WHERE (nim_standalone.cec_id IS NOT NULL)

UNION ALL
 SELECT nim_mac_group_member.group_id AS from_id,
    nim_mac_group_member.member_id AS to_id,
    'member'::text AS attribute
   FROM public.nim_mac_group_member

UNION ALL
 SELECT nim_master.object_id AS from_id,
    nim_master.network_id AS to_id,
    'if1'::text AS attribute
   FROM public.nim_master
  WHERE (nim_master.network_id IS NOT NULL)

UNION ALL
 SELECT nim_res_group_member.group_id AS from_id,
    nim_res_group_member.member_id AS to_id,
    nim_res_group_member.attribute
   FROM public.nim_res_group_member;

CREATE TABLE public.notice (
    number bigint NOT NULL,
    id uuid NOT NULL,
    rollout_id uuid NOT NULL,
    receiver text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    message jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    owner uuid,
    failure text,
    done_at timestamp with time zone
);

ALTER TABLE public.notice ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notice_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.object_history (
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    what text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    before jsonb,
    after jsonb,
    by_uid bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.object_history ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.object_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.open_item (
    id bigint NOT NULL,
    operation_id uuid NOT NULL,
    lpar text NOT NULL,
    item jsonb NOT NULL,
    found_at timestamp with time zone DEFAULT now() NOT NULL,
    gone_at timestamp with time zone
);

ALTER TABLE public.open_item ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.open_item_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.operation (
    id uuid NOT NULL,
    batch_id uuid NOT NULL,
    requested_by bigint NOT NULL,
    lpar text NOT NULL COLLATE pg_catalog."C",
    frame text COLLATE pg_catalog."C",
    hmc text COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    request text NOT NULL,
    digest bytea NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    detail jsonb NOT NULL,
    stage text,
    phase text,
    entered_at timestamp with time zone DEFAULT now() NOT NULL,
    waits_for text,
    lost_contact_since timestamp with time zone,
    deadline timestamp with time zone,
    not_before timestamp with time zone,
    estimated_blackout_seconds bigint,
    estimated_total_seconds bigint,
    report jsonb,
    owner uuid,
    fence bigint DEFAULT 0 NOT NULL,
    epoch bigint DEFAULT 1 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    hash bytea NOT NULL,
    output_offset bigint DEFAULT 0 NOT NULL,
    output_bytes bigint DEFAULT 0 NOT NULL,
    output_cut boolean DEFAULT false NOT NULL,
    cancel_asked_at timestamp with time zone,
    cancel_asked_by bigint,
    resolved_at timestamp with time zone,
    resolved_by bigint,
    resolved_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    known_in uuid
);

CREATE TABLE public.output (
    operation_id uuid NOT NULL,
    epoch bigint NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    "offset" bigint NOT NULL,
    data bytea NOT NULL
)

PARTITION BY RANGE (operation_id);

CREATE TABLE public.output_default (
    operation_id uuid NOT NULL,
    epoch bigint NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    "offset" bigint NOT NULL,
    data bytea NOT NULL
);

CREATE TABLE public.policy (
    version bigint NOT NULL,
    text text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by bigint NOT NULL
);

CREATE TABLE public.preflight (
    lpar_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    report jsonb NOT NULL
);

CREATE TABLE public.reservation (
    operation_id uuid NOT NULL,
    frame text NOT NULL COLLATE pg_catalog."C",
    partition text NOT NULL,
    need jsonb,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone,
    released_at timestamp with time zone,
    released_because text,
    profiles jsonb,
    shown jsonb
);

CREATE TABLE public.rollout (
    id uuid NOT NULL,
    token uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    file_name text NOT NULL,
    file text NOT NULL,
    plan jsonb NOT NULL,
    orders jsonb NOT NULL,
    fingerprint bytea NOT NULL,
    begin_at timestamp with time zone NOT NULL,
    state jsonb NOT NULL,
    phase text NOT NULL COLLATE pg_catalog."C",
    version bigint DEFAULT 1 NOT NULL,
    cancels boolean DEFAULT false NOT NULL,
    requested_by bigint NOT NULL,
    owner uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    stands_since timestamp with time zone DEFAULT now() NOT NULL,
    ticket text
);

CREATE TABLE public.rollout_event (
    rollout_id uuid NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    by_uid bigint,
    what text NOT NULL,
    ticket text
);

ALTER TABLE public.rollout_event ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rollout_event_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rollout_step (
    rollout_id uuid NOT NULL,
    version bigint NOT NULL,
    step jsonb NOT NULL,
    actions jsonb NOT NULL,
    state bytea NOT NULL
);

CREATE TABLE public.schema_level (
    one_row boolean DEFAULT true NOT NULL,
    level integer NOT NULL,
    min_binary integer NOT NULL,
    CONSTRAINT schema_level_one_row_check CHECK (one_row)
);

CREATE TABLE public.seaql_migrations (
    version character varying NOT NULL,
    applied_at bigint NOT NULL
);

CREATE TABLE public.secret (
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    changed_by bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    refused_at timestamp with time zone,
    refused_by text,
    login text COLLATE pg_catalog."C",
    unanswered smallint DEFAULT 0 NOT NULL
);

CREATE TABLE public.secret_removed (
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL
);

CREATE TABLE public.vios_reading (
    vios_id bigint NOT NULL,
    read_at timestamp with time zone,
    reading jsonb,
    failed_at timestamp with time zone,
    failure text
);

ALTER TABLE ONLY public.event ATTACH PARTITION public.event_default DEFAULT;

ALTER TABLE ONLY public.output ATTACH PARTITION public.output_default DEFAULT;

ALTER TABLE ONLY public.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.batch
    ADD CONSTRAINT batch_token_key UNIQUE (token);

ALTER TABLE ONLY public.change_list
    ADD CONSTRAINT change_list_pkey PRIMARY KEY (operation_id, number);

ALTER TABLE ONLY public.commit_mark
    ADD CONSTRAINT commit_mark_pkey PRIMARY KEY (token);

ALTER TABLE ONLY public.database_life
    ADD CONSTRAINT database_life_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.disk_reading
    ADD CONSTRAINT disk_reading_pkey PRIMARY KEY (lpar_id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (operation_id, epoch, seq);

ALTER TABLE ONLY public.event_default
    ADD CONSTRAINT event_default_pkey PRIMARY KEY (operation_id, epoch, seq);

ALTER TABLE ONLY public.follow_up_action
    ADD CONSTRAINT follow_up_action_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.frame_partition
    ADD CONSTRAINT frame_partition_pkey PRIMARY KEY (cec_id, name);

ALTER TABLE ONLY public.frame_reading
    ADD CONSTRAINT frame_reading_pkey PRIMARY KEY (cec_id);

ALTER TABLE ONLY public.frozen_list
    ADD CONSTRAINT frozen_list_pkey PRIMARY KEY (id, part);

ALTER TABLE ONLY public.host_key
    ADD CONSTRAINT host_key_pkey PRIMARY KEY (holder, algorithm);

ALTER TABLE ONLY public.login_turn
    ADD CONSTRAINT login_turn_pkey PRIMARY KEY (hmc);

ALTER TABLE ONLY public.lpp_fault
    ADD CONSTRAINT lpp_fault_pkey PRIMARY KEY (object_id, "position");

ALTER TABLE ONLY public.lpp_file
    ADD CONSTRAINT lpp_file_pkey PRIMARY KEY (object_id, path);

ALTER TABLE ONLY public.lpp_fileset
    ADD CONSTRAINT lpp_fileset_pkey PRIMARY KEY (object_id, "position");

ALTER TABLE ONLY public.lpp_ifix
    ADD CONSTRAINT lpp_ifix_pkey PRIMARY KEY (object_id, "position");

ALTER TABLE ONLY public.lpp_index
    ADD CONSTRAINT lpp_index_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.maintenance
    ADD CONSTRAINT maintenance_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.master_hook
    ADD CONSTRAINT master_hook_pkey PRIMARY KEY (operation_id, number);

ALTER TABLE ONLY public.master
    ADD CONSTRAINT master_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.nim_allocation
    ADD CONSTRAINT nim_allocation_pkey PRIMARY KEY (resource_id, machine_id);

ALTER TABLE ONLY public.nim_cec_hmc
    ADD CONSTRAINT nim_cec_hmc_pkey PRIMARY KEY (cec_id, hmc_id);

ALTER TABLE ONLY public.nim_cec
    ADD CONSTRAINT nim_cec_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_check
    ADD CONSTRAINT nim_check_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_ent
    ADD CONSTRAINT nim_ent_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_ent_route
    ADD CONSTRAINT nim_ent_route_pkey PRIMARY KEY (ent_id, "position");

ALTER TABLE ONLY public.nim_hmc
    ADD CONSTRAINT nim_hmc_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_live_update_data
    ADD CONSTRAINT nim_live_update_data_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_lpp_source
    ADD CONSTRAINT nim_lpp_source_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_mac_group_member
    ADD CONSTRAINT nim_mac_group_member_pkey PRIMARY KEY (group_id, member_id);

ALTER TABLE ONLY public.nim_mac_group
    ADD CONSTRAINT nim_mac_group_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_master
    ADD CONSTRAINT nim_master_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_object
    ADD CONSTRAINT nim_object_name_key UNIQUE (name);

ALTER TABLE ONLY public.nim_object
    ADD CONSTRAINT nim_object_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.nim_res_group_member
    ADD CONSTRAINT nim_res_group_member_pkey PRIMARY KEY (group_id, attribute, "position");

ALTER TABLE ONLY public.nim_res_group
    ADD CONSTRAINT nim_res_group_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_resource
    ADD CONSTRAINT nim_resource_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_standalone
    ADD CONSTRAINT nim_standalone_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.nim_vios
    ADD CONSTRAINT nim_vios_pkey PRIMARY KEY (object_id);

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.object_history
    ADD CONSTRAINT object_history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.open_item
    ADD CONSTRAINT open_item_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.output
    ADD CONSTRAINT output_pkey PRIMARY KEY (operation_id, epoch, stream, "offset");

ALTER TABLE ONLY public.output_default
    ADD CONSTRAINT output_default_pkey PRIMARY KEY (operation_id, epoch, stream, "offset");

ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.preflight
    ADD CONSTRAINT preflight_pkey PRIMARY KEY (lpar_id, at);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_pkey PRIMARY KEY (operation_id);

ALTER TABLE ONLY public.rollout_event
    ADD CONSTRAINT rollout_event_pkey PRIMARY KEY (rollout_id, number);

ALTER TABLE ONLY public.rollout
    ADD CONSTRAINT rollout_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.rollout_step
    ADD CONSTRAINT rollout_step_pkey PRIMARY KEY (rollout_id, version);

ALTER TABLE ONLY public.rollout
    ADD CONSTRAINT rollout_token_key UNIQUE (token);

ALTER TABLE ONLY public.schema_level
    ADD CONSTRAINT schema_level_pkey PRIMARY KEY (one_row);

ALTER TABLE ONLY public.seaql_migrations
    ADD CONSTRAINT seaql_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.secret_removed
    ADD CONSTRAINT secret_removed_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.vios_reading
    ADD CONSTRAINT vios_reading_pkey PRIMARY KEY (vios_id);

CREATE INDEX batch_again ON public.batch USING btree (again_of) WHERE (again_of IS NOT NULL);

CREATE INDEX commit_mark_made_at ON public.commit_mark USING btree (made_at);

CREATE INDEX follow_up_action_open ON public.follow_up_action USING btree (due_at) WHERE (done_at IS NULL);

CREATE INDEX follow_up_action_operation ON public.follow_up_action USING btree (operation_id, id);

CREATE INDEX frame_partition_level ON public.frame_partition USING btree (level);

CREATE INDEX frozen_list_made_at ON public.frozen_list USING btree (made_at);

CREATE INDEX master_hook_open ON public.master_hook USING btree (operation_id) WHERE (state = ANY (ARRAY['due'::text, 'begun'::text]));

CREATE INDEX master_place ON public.master USING btree (place);

CREATE INDEX nim_allocation_machine ON public.nim_allocation USING btree (machine_id);

CREATE INDEX nim_cec_hmc_hmc ON public.nim_cec_hmc USING btree (hmc_id);

CREATE INDEX nim_cec_serial ON public.nim_cec USING btree (hw_serial);

CREATE INDEX nim_ent_route_destination ON public.nim_ent_route USING btree (destination_id);

CREATE INDEX nim_hmc_network ON public.nim_hmc USING btree (network_id);

CREATE INDEX nim_mac_group_member_member ON public.nim_mac_group_member USING btree (member_id);

CREATE INDEX nim_master_network ON public.nim_master USING btree (network_id);

CREATE INDEX nim_object_class ON public.nim_object USING btree (class, id);

CREATE INDEX nim_object_labels ON public.nim_object USING gin (labels jsonb_path_ops);

CREATE INDEX nim_object_type ON public.nim_object USING btree (type, id);

CREATE INDEX nim_res_group_member_member ON public.nim_res_group_member USING btree (member_id);

CREATE INDEX nim_standalone_hostname ON public.nim_standalone USING btree (hostname);

CREATE INDEX nim_standalone_installation ON public.nim_standalone USING btree (installation);

CREATE INDEX nim_standalone_network ON public.nim_standalone USING btree (network_id);

CREATE INDEX nim_standalone_partition ON public.nim_standalone USING btree (cec_id, partition);

CREATE INDEX nim_vios_cec ON public.nim_vios USING btree (cec_id);

CREATE INDEX nim_vios_network ON public.nim_vios USING btree (network_id);

CREATE INDEX notice_open ON public.notice USING btree (receiver, number) WHERE (done_at IS NULL);

CREATE INDEX notice_rollout ON public.notice USING btree (rollout_id);

CREATE INDEX object_history_name ON public.object_history USING btree (name, id);

CREATE UNIQUE INDEX open_item_once ON public.open_item USING btree (operation_id, md5((item)::text));

CREATE INDEX open_item_open ON public.open_item USING btree (lpar) WHERE (gone_at IS NULL);

CREATE INDEX operation_batch ON public.operation USING btree (batch_id, id);

CREATE INDEX operation_busy ON public.operation USING btree (frame, hmc, batch_id, state) WHERE (state = ANY (ARRAY['dispatching'::text, 'running'::text, 'stuck'::text]));

CREATE INDEX operation_cancel ON public.operation USING btree (id) WHERE ((cancel_asked_at IS NOT NULL) AND (state = ANY (ARRAY['queued'::text, 'dispatching'::text, 'running'::text, 'stuck'::text])));

CREATE INDEX operation_deadline ON public.operation USING btree (deadline) WHERE ((deadline IS NOT NULL) AND (state = ANY (ARRAY['queued'::text, 'dispatching'::text, 'running'::text, 'stuck'::text])));

CREATE INDEX operation_frame ON public.operation USING btree (frame, id);

CREATE INDEX operation_lpar ON public.operation USING btree (lpar, id);

CREATE UNIQUE INDEX operation_one_beside ON public.operation USING btree (lpar) WHERE ((state = ANY (ARRAY['queued'::text, 'dispatching'::text, 'running'::text, 'stuck'::text])) AND (kind = ANY (ARRAY['clean_up'::text, 'snap'::text])));

CREATE UNIQUE INDEX operation_one_per_lpar ON public.operation USING btree (lpar) WHERE ((state = ANY (ARRAY['queued'::text, 'dispatching'::text, 'running'::text, 'stuck'::text])) AND (kind <> ALL (ARRAY['clean_up'::text, 'snap'::text])));

CREATE INDEX operation_owner ON public.operation USING btree (owner) WHERE (owner IS NOT NULL);

CREATE INDEX operation_queued ON public.operation USING btree (id) WHERE (state = 'queued'::text);

CREATE INDEX operation_state ON public.operation USING btree (state, id);

CREATE INDEX reservation_open ON public.reservation USING btree (frame) WHERE (released_at IS NULL);

CREATE INDEX rollout_name ON public.rollout USING btree (name, id);

CREATE UNIQUE INDEX rollout_open ON public.rollout USING btree (name) WHERE (ended_at IS NULL);

ALTER INDEX public.event_pkey ATTACH PARTITION public.event_default_pkey;

ALTER INDEX public.output_pkey ATTACH PARTITION public.output_default_pkey;

ALTER TABLE ONLY public.change_list
    ADD CONSTRAINT change_list_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES public.operation(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.disk_reading
    ADD CONSTRAINT disk_reading_lpar_id_fkey FOREIGN KEY (lpar_id) REFERENCES public.nim_standalone(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.follow_up_action
    ADD CONSTRAINT follow_up_action_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES public.operation(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.frame_partition
    ADD CONSTRAINT frame_partition_cec_id_fkey FOREIGN KEY (cec_id) REFERENCES public.nim_cec(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.frame_reading
    ADD CONSTRAINT frame_reading_cec_id_fkey FOREIGN KEY (cec_id) REFERENCES public.nim_cec(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lpp_fault
    ADD CONSTRAINT lpp_fault_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.lpp_index(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lpp_file
    ADD CONSTRAINT lpp_file_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.lpp_index(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lpp_fileset
    ADD CONSTRAINT lpp_fileset_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.lpp_index(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lpp_ifix
    ADD CONSTRAINT lpp_ifix_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.lpp_index(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lpp_index
    ADD CONSTRAINT lpp_index_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.maintenance
    ADD CONSTRAINT maintenance_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.master_hook
    ADD CONSTRAINT master_hook_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES public.operation(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_allocation
    ADD CONSTRAINT nim_allocation_machine_id_fkey FOREIGN KEY (machine_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_allocation
    ADD CONSTRAINT nim_allocation_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES public.nim_object(id);

ALTER TABLE ONLY public.nim_cec_hmc
    ADD CONSTRAINT nim_cec_hmc_cec_id_fkey FOREIGN KEY (cec_id) REFERENCES public.nim_cec(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_cec_hmc
    ADD CONSTRAINT nim_cec_hmc_hmc_id_fkey FOREIGN KEY (hmc_id) REFERENCES public.nim_hmc(object_id);

ALTER TABLE ONLY public.nim_cec
    ADD CONSTRAINT nim_cec_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_check
    ADD CONSTRAINT nim_check_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_ent
    ADD CONSTRAINT nim_ent_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_ent_route
    ADD CONSTRAINT nim_ent_route_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES public.nim_ent(object_id);

ALTER TABLE ONLY public.nim_ent_route
    ADD CONSTRAINT nim_ent_route_ent_id_fkey FOREIGN KEY (ent_id) REFERENCES public.nim_ent(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_hmc
    ADD CONSTRAINT nim_hmc_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.nim_ent(object_id);

ALTER TABLE ONLY public.nim_hmc
    ADD CONSTRAINT nim_hmc_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_live_update_data
    ADD CONSTRAINT nim_live_update_data_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_lpp_source
    ADD CONSTRAINT nim_lpp_source_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_mac_group_member
    ADD CONSTRAINT nim_mac_group_member_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.nim_mac_group(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_mac_group_member
    ADD CONSTRAINT nim_mac_group_member_member_id_fkey FOREIGN KEY (member_id) REFERENCES public.nim_object(id);

ALTER TABLE ONLY public.nim_mac_group
    ADD CONSTRAINT nim_mac_group_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_master
    ADD CONSTRAINT nim_master_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.nim_ent(object_id);

ALTER TABLE ONLY public.nim_master
    ADD CONSTRAINT nim_master_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_res_group_member
    ADD CONSTRAINT nim_res_group_member_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.nim_res_group(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_res_group_member
    ADD CONSTRAINT nim_res_group_member_member_id_fkey FOREIGN KEY (member_id) REFERENCES public.nim_object(id);

ALTER TABLE ONLY public.nim_res_group
    ADD CONSTRAINT nim_res_group_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_resource
    ADD CONSTRAINT nim_resource_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_standalone
    ADD CONSTRAINT nim_standalone_cec_id_fkey FOREIGN KEY (cec_id) REFERENCES public.nim_cec(object_id);

ALTER TABLE ONLY public.nim_standalone
    ADD CONSTRAINT nim_standalone_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.nim_ent(object_id);

ALTER TABLE ONLY public.nim_standalone
    ADD CONSTRAINT nim_standalone_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.nim_vios
    ADD CONSTRAINT nim_vios_cec_id_fkey FOREIGN KEY (cec_id) REFERENCES public.nim_cec(object_id);

ALTER TABLE ONLY public.nim_vios
    ADD CONSTRAINT nim_vios_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.nim_ent(object_id);

ALTER TABLE ONLY public.nim_vios
    ADD CONSTRAINT nim_vios_object_id_fkey FOREIGN KEY (object_id) REFERENCES public.nim_object(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_rollout_id_fkey FOREIGN KEY (rollout_id) REFERENCES public.rollout(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.open_item
    ADD CONSTRAINT open_item_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES public.operation(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.batch(id);

ALTER TABLE ONLY public.preflight
    ADD CONSTRAINT preflight_lpar_id_fkey FOREIGN KEY (lpar_id) REFERENCES public.nim_standalone(object_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES public.operation(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rollout_event
    ADD CONSTRAINT rollout_event_rollout_id_fkey FOREIGN KEY (rollout_id) REFERENCES public.rollout(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rollout_step
    ADD CONSTRAINT rollout_step_rollout_id_fkey FOREIGN KEY (rollout_id) REFERENCES public.rollout(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.vios_reading
    ADD CONSTRAINT vios_reading_vios_id_fkey FOREIGN KEY (vios_id) REFERENCES public.nim_vios(object_id) ON DELETE CASCADE;
