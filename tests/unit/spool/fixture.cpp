#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

Options options_for(const std::filesystem::path& directory) {
  Options options;
  options.directory = directory;
  options.min_free_bytes = 0;
  options.min_free_share = 0;
  return options;
}

std::shared_ptr<Message> message(std::uint64_t id, std::int64_t due) {
  auto made = std::make_shared<Message>();
  made->record.id = QueueId{id};
  made->record.received = at(static_cast<std::int64_t>(id));
  made->record.expires = at(1'000'000);
  made->record.client = "app";
  made->record.header = "From: a@example.com\r\nSubject: " + std::to_string(id) + "\r\n";
  made->state.due = at(due);
  RecipientState recipient{
      {{"you", std::move(*Domain::parse("example.net"))}, {}}, "mx", "pool", {}, 0, ""};
  made->state.recipients.push_back(std::move(recipient));
  return made;
}

std::shared_ptr<const std::string> body(std::size_t size, char fill) {
  return std::make_shared<const std::string>(size, fill);
}

Result<void> wait_for(const std::function<void(Done<void>)>& call) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  std::future<Result<void>> answer = promise->get_future();
  call([promise](Result<void> result) { promise->set_value(std::move(result)); });
  return answer.get();
}

void SpoolTest::open(Options options) {
  auto opened = Spool::open(std::move(options), clock_);
  ASSERT_TRUE(opened) << opened.error().detail;
  spool_ = std::move(*opened);
}

Result<void> SpoolTest::store(std::shared_ptr<const Message> message,
                              std::shared_ptr<const std::string> body) {
  return wait_for([&](Done<void> done) { spool_->store(message, body, here_, std::move(done)); });
}

Result<void> SpoolTest::put_chunk(std::uint64_t id, std::uint32_t index, std::string bytes) {
  return wait_for([&](Done<void> done) {
    spool_->put_chunk(QueueId{id}, index, std::move(bytes), here_, std::move(done));
  });
}

Result<void> SpoolTest::attempt(std::uint64_t id) {
  return wait_for(
      [&](Done<void> done) { spool_->record_attempt(QueueId{id}, {0}, here_, std::move(done)); });
}

Result<void> SpoolTest::update(std::uint64_t id, State state, WallTime previous_due,
                               Attempts attempts) {
  return wait_for([&](Done<void> done) {
    spool_->update(QueueId{id}, std::move(state), previous_due, attempts, here_, std::move(done));
  });
}

Result<void> SpoolTest::remove(std::uint64_t id) {
  return wait_for(
      [&](Done<void> done) { spool_->remove(QueueId{id}, at(100), 0, here_, std::move(done)); });
}

std::vector<std::uint64_t> SpoolTest::due_until(std::int64_t seconds, Entry after) const {
  const auto entries = spool_->due(after, at(seconds), 1000);
  std::vector<std::uint64_t> ids;
  if (!entries) {
    ADD_FAILURE() << entries.error().detail;
    return ids;
  }
  for (const Entry& entry : *entries) ids.push_back(entry.id.value);
  return ids;
}

std::vector<std::uint64_t> SpoolTest::all() const {
  const auto messages = spool_->list({}, 100'000);
  std::vector<std::uint64_t> ids;
  if (!messages) {
    ADD_FAILURE() << messages.error().detail;
    return ids;
  }
  for (const Message& found : *messages) ids.push_back(found.record.id.value);
  return ids;
}

}  // namespace signet::spool
