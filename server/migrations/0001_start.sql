-- Runs. `number` orders them; `id` is what the world sees and cannot be guessed.
-- `attempt` grows with every claim and fences off a worker that was given up; `deaths` counts the workers that
-- died under the run. `cancelling` holds a cancel over a restart.
create table run (
  number     integer primary key autoincrement,
  id         text not null unique,
  state      text not null default 'queued'
             check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  title      text not null default '',
  client     text not null default '',
  workflow   text not null,
  targets    text,
  priority   integer not null default 0,
  created    real not null,
  started    real,
  finished   real,
  attempt    integer not null default 0,
  deaths     integer not null default 0,
  worker     text,
  cancelling integer not null default 0,
  problems   text not null default '[]'
) strict;

create index run_queued on run (priority desc, number) where state = 'queued';
create index run_running on run (number) where state = 'running';
create index run_by_state on run (state, number);

-- What the nodes of a run showed. A row with a name is written before the file gets that name, so that a second
-- attempt finds the first one's file instead of saving it again.
create table shown (
  run      text not null references run (id) on delete cascade,
  node     text not null,
  position integer not null,
  item     text not null,
  folder   text,
  name     text,
  bytes    integer not null default 0,
  primary key (run, node, position)
) strict, without rowid;

-- Numbers that must never go back.
create table mark (
  name  text primary key,
  value integer not null
) strict, without rowid;
