// Storing, loading, scheduling, changing and deleting messages.
#include "relay/spool/spool.hpp"

#include <sys/stat.h>

#include "relay/spool/testing.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

using Ids = std::vector<std::uint64_t>;

TEST_F(SpoolTest, gives_back_what_was_stored_after_a_reopen) {
  open();
  auto original = message(7, 200);
  original->record.envelope.sender = Mailbox{"me", std::move(*Domain::parse("example.com"))};
  original->record.envelope.envelope_id = "e1";
  original->record.envelope.eight_bit = true;
  original->record.origin = Origin::dsn;
  original->record.peer = "192.0.2.1";
  original->record.author_domain = "example.com";
  original->record.signatures = "DKIM-Signature: v=1\r\n";
  original->record.signed_by = {"s1._domainkey.example.com"};
  original->record.sign_domains = {"example.com"};
  original->record.body_size = 3;
  original->record.has_eight_bit = true;
  original->record.tls_optional = true;
  original->record.envelope.require_tls = true;
  original->state.recipients[0].report_due = ReportDue::relayed;
  original->state.recipients[0].recipient.dsn = {"NEVER", "rfc822;you@example.net"};
  original->state.recipients[0].last_reply = "451 4.7.1 \xFF later";
  original->state.attempts = 2;
  ASSERT_TRUE(store(original, std::make_shared<std::string>("\0\r\n", 3)));
  reopen();
  const auto loaded = spool_->load(QueueId{7});
  ASSERT_TRUE(loaded) << loaded.error().detail;
  const Record& record = loaded->record;
  EXPECT_EQ(record.id, QueueId{7});
  EXPECT_EQ(to_string(record.envelope.sender), "<me@example.com>");
  EXPECT_EQ(record.envelope.envelope_id, "e1");
  EXPECT_TRUE(record.envelope.eight_bit);
  EXPECT_FALSE(record.envelope.utf8);
  EXPECT_EQ(record.origin, Origin::dsn);
  EXPECT_EQ(record.received, original->record.received);
  EXPECT_EQ(record.expires, original->record.expires);
  EXPECT_EQ(record.client, "app");
  EXPECT_EQ(record.peer, "192.0.2.1");
  EXPECT_EQ(record.author_domain, "example.com");
  EXPECT_EQ(record.header, original->record.header);
  EXPECT_EQ(record.signatures, original->record.signatures);
  EXPECT_EQ(record.signed_by, original->record.signed_by);
  EXPECT_EQ(record.sign_domains, original->record.sign_domains);
  EXPECT_EQ(record.body_size, 3U);
  EXPECT_TRUE(record.has_eight_bit);
  EXPECT_TRUE(record.tls_optional);
  EXPECT_TRUE(record.envelope.require_tls);
  const State& state = loaded->state;
  ASSERT_EQ(state.recipients.size(), 1U);
  EXPECT_EQ(state.recipients[0].recipient.address.to_string(), "you@example.net");
  EXPECT_EQ(state.recipients[0].recipient.dsn.notify, "NEVER");
  EXPECT_EQ(state.recipients[0].recipient.dsn.original_recipient, "rfc822;you@example.net");
  EXPECT_EQ(state.recipients[0].report_due, ReportDue::relayed);
  EXPECT_EQ(state.recipients[0].route, "mx");
  EXPECT_EQ(state.recipients[0].pool, "pool");
  EXPECT_EQ(state.recipients[0].last_reply, "451 4.7.1 \xFF later");
  EXPECT_EQ(state.attempts, 2U);
  EXPECT_EQ(state.due, at(200));
  EXPECT_FALSE(state.is_held());
  const auto bytes = spool_->load_body(QueueId{7});
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, std::string("\0\r\n", 3));
  EXPECT_EQ(spool_->last_id(), QueueId{7});
}

TEST_F(SpoolTest, keeps_the_null_sender_and_an_empty_body) {
  open();
  ASSERT_TRUE(store(message(1)));
  const auto loaded = spool_->load(QueueId{1});
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->record.envelope.sender);
  ASSERT_TRUE(spool_->load_body(QueueId{1}));
  EXPECT_EQ(*spool_->load_body(QueueId{1}), "");
}

TEST_F(SpoolTest, knows_nothing_of_a_message_that_was_never_stored) {
  open();
  EXPECT_EQ(spool_->load(QueueId{1}).error().fault, Fault::not_found);
  EXPECT_EQ(spool_->load_body(QueueId{1}).error().fault, Fault::not_found);
  EXPECT_EQ(spool_->load_chunk(QueueId{1}, 0).error().fault, Fault::not_found);
  EXPECT_EQ(attempt(1).error().fault, Fault::not_found);
  EXPECT_EQ(update(1, message(1)->state).error().fault, Fault::not_found);
  EXPECT_TRUE(remove(1));
  EXPECT_EQ(spool_->stats().messages, 0U);
  EXPECT_EQ(due_until(1000), Ids());
}

TEST_F(SpoolTest, lists_due_messages_oldest_first_up_to_a_time_a_limit_and_after_an_entry) {
  open();
  for (const auto& [id, due] : std::vector<std::pair<std::uint64_t, int>>{
           {1, 300}, {2, 100}, {3, 200}, {4, 100}, {5, 400}}) {
    ASSERT_TRUE(store(message(id, due)));
  }
  EXPECT_EQ(due_until(300), (Ids{2, 4, 3, 1}));
  EXPECT_EQ(due_until(99), Ids());
  EXPECT_EQ(due_until(1000, {at(100), QueueId{4}}), (Ids{3, 1, 5}));
  ASSERT_EQ(spool_->due({}, at(1000), 2)->size(), 2U);
  EXPECT_EQ((*spool_->due({}, at(1000), 2))[1].id, QueueId{4});
}

TEST_F(SpoolTest, moves_the_due_entry_earlier_and_later_even_behind_the_back_of_a_scan) {
  open();
  for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(store(message(id, 100)));
  EXPECT_EQ(due_until(1000), (Ids{1, 2, 3}));
  State later = message(1)->state;
  later.due = at(500);
  ASSERT_TRUE(update(1, later));
  EXPECT_EQ(due_until(1000), (Ids{2, 3, 1}));
  State earlier = message(2)->state;
  earlier.due = at(50);
  ASSERT_TRUE(update(2, earlier));
  EXPECT_EQ(due_until(1000), (Ids{2, 3, 1}));
  earlier.due = at(10);
  ASSERT_TRUE(update(1, earlier, at(1)));  // A wrong previous time leaves no stray entry.
  EXPECT_EQ(due_until(1000), (Ids{1, 2, 3}));
  EXPECT_EQ(spool_->stats().messages, 3U);
}

TEST_F(SpoolTest, deletes_a_message_none_of_whose_recipients_waits) {
  open();
  auto two = message(1);
  two->state.recipients.push_back(two->state.recipients[0]);
  ASSERT_TRUE(store(two, body(5000)));
  State state = two->state;
  state.recipients[0].status = RecipientStatus::delivered;
  ASSERT_TRUE(update(1, state));
  EXPECT_EQ(all(), Ids{1});
  state.recipients[1].status = RecipientStatus::bounced;
  state.recipients[0].report_due = ReportDue::relayed;
  ASSERT_TRUE(update(1, state));
  EXPECT_EQ(all(), Ids{1}) << "its sender waits for a report";
  state.recipients[0].report_due = ReportDue::none;
  ASSERT_TRUE(update(1, state));
  EXPECT_EQ(all(), Ids());
  EXPECT_EQ(due_until(1000), Ids());
  EXPECT_FALSE(spool_->load_body(QueueId{1}));
  EXPECT_EQ(spool_->stats().messages, 0U);
  reopen();
  EXPECT_EQ(spool_->stats().messages, 0U);
  EXPECT_EQ(all(), Ids());
}

TEST_F(SpoolTest, removes_a_message_and_its_chunks) {
  open();
  auto large = message(1);
  large->record.body_chunks = 2;
  ASSERT_TRUE(put_chunk(1, 0, std::string(kChunk, 'x')));
  ASSERT_TRUE(put_chunk(1, 1, "end"));
  ASSERT_TRUE(store(large));
  reopen();
  EXPECT_EQ(*spool_->load_chunk(QueueId{1}, 0), std::string(kChunk, 'x'));
  EXPECT_EQ(*spool_->load_chunk(QueueId{1}, 1), "end");
  ASSERT_TRUE(remove(1));
  EXPECT_FALSE(spool_->load_chunk(QueueId{1}, 0));
  EXPECT_FALSE(spool_->load_chunk(QueueId{1}, 1));
  EXPECT_EQ(spool_->load(QueueId{1}).error().fault, Fault::not_found);
}

TEST_F(SpoolTest, forgets_chunks_of_a_message_that_never_came) {
  open();
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(put_chunk(1, i, "x"));
  ASSERT_TRUE(put_chunk(2, 0, "y"));
  spool_->drop_chunks(QueueId{1}, 3);
  ASSERT_TRUE(store(message(9)));  // A later write has been through the same queue.
  EXPECT_FALSE(spool_->load_chunk(QueueId{1}, 2));
  EXPECT_TRUE(spool_->load_chunk(QueueId{2}, 0));
}

TEST_F(SpoolTest, counts_held_messages_and_knows_the_oldest) {
  open();
  auto held = message(1, 700);
  held->state.hold_reason = "policy";
  held->state.held_since = at(50);
  ASSERT_TRUE(store(held));
  ASSERT_TRUE(store(message(2)));
  State state = message(2)->state;
  state.hold_reason = "operator";
  state.held_since = at(60);
  ASSERT_TRUE(update(2, state));
  run_upkeep(*spool_);
  EXPECT_EQ(spool_->stats().held, 2U);
  EXPECT_EQ(spool_->stats().oldest_held, at(50));
  EXPECT_EQ(spool_->stats().oldest, at(1));
  reopen();
  EXPECT_EQ(spool_->stats().held, 2U);
  EXPECT_EQ(spool_->stats().oldest_held, at(50));
  EXPECT_EQ(spool_->load(QueueId{2})->state.hold_reason, "operator");
  EXPECT_EQ(spool_->load(QueueId{2})->state.held_since, at(60));
  ASSERT_TRUE(update(1, message(1)->state));
  ASSERT_TRUE(remove(2));
  run_upkeep(*spool_);
  EXPECT_EQ(spool_->stats().held, 0U);
  EXPECT_EQ(spool_->stats().oldest_held, std::nullopt);
  ASSERT_TRUE(remove(1));
  run_upkeep(*spool_);
  EXPECT_EQ(spool_->stats().oldest, std::nullopt);
}

TEST_F(SpoolTest, lists_pages_of_messages_by_id) {
  open();
  for (std::uint64_t id = 1; id <= 5; ++id) ASSERT_TRUE(store(message(id), body(100)));
  const auto page = spool_->list(QueueId{2}, 2);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 2U);
  EXPECT_EQ((*page)[0].record.id, QueueId{3});
  EXPECT_EQ((*page)[1].record.id, QueueId{4});
}

TEST_F(SpoolTest, answers_a_group_in_one_post_and_syncs_it_once) {
  open();
  constexpr int kCount = 200;
  std::atomic<int> answered = 0;
  std::promise<void> all_answered;
  for (int i = 1; i <= kCount; ++i) {
    spool_->store(message(static_cast<std::uint64_t>(i)), body(100), here_, [&](Result<void> ok) {
      EXPECT_TRUE(ok);
      if (++answered == kCount) all_answered.set_value();
    });
  }
  all_answered.get_future().wait();
  const Stats stats = spool_->stats();
  EXPECT_EQ(stats.messages, 200U);
  EXPECT_LT(stats.syncs, 200U);
  EXPECT_LE(static_cast<std::uint64_t>(here_.posts), stats.syncs);
}

TEST_F(SpoolTest, tells_of_each_commit) {
  Options options = options_for(directory_.path() / "spool");
  std::atomic<std::size_t> told = 0;
  options.on_commit = [&](std::size_t messages, std::chrono::microseconds) { told += messages; };
  open(std::move(options));
  ASSERT_TRUE(store(message(1)));
  ASSERT_TRUE(store(message(2)));
  close();
  EXPECT_EQ(told, 2U);
}

TEST_F(SpoolTest, makes_a_directory_for_nobody_else) {
  open();
  struct stat found{};
  ASSERT_EQ(::stat((directory_.path() / "spool").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
}

TEST_F(SpoolTest, refuses_new_mail_on_a_short_disk_but_still_writes_outcomes) {
  open();
  ASSERT_TRUE(store(message(1)));
  Options options = options_for(directory_.path() / "spool");
  options.min_free_share = 1.1;
  close();
  open(std::move(options));
  EXPECT_TRUE(spool_->is_disk_short());
  EXPECT_EQ(store(message(2)).error().fault, Fault::disk_short);
  EXPECT_TRUE(attempt(1));
  EXPECT_TRUE(remove(1));
  EXPECT_FALSE(spool_->broken());
}

}  // namespace
}  // namespace signet::spool
