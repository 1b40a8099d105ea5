// A spool's mail as files.
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

class ExportTest : public SpoolTest {
 protected:
  [[nodiscard]] std::filesystem::path home() const { return directory_.path() / "spool"; }
  [[nodiscard]] Result<std::uint64_t> run() {
    return export_all(home(), out(), [this](std::string line) { reports_.push_back(line); });
  }
  [[nodiscard]] std::filesystem::path out() const { return directory_.path() / "out"; }
  [[nodiscard]] std::string file(std::uint64_t id, const std::string& suffix) const {
    std::ifstream stream(out() / (QueueId{id}.to_string() + suffix), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::vector<std::string> reports_;
};

TEST_F(ExportTest, writes_each_message_whole_with_its_record) {
  open();
  auto small = message(1);
  small->record.signatures = "DKIM-Signature: v=1\r\n";
  small->state.recipients[0].last_reply = "451 \xFF";
  ASSERT_TRUE(store(small, std::make_shared<const std::string>("Hello\r\n")));
  auto large = message(2);
  large->record.body_chunks = 2;
  ASSERT_TRUE(put_chunk(2, 0, "first,"));
  ASSERT_TRUE(put_chunk(2, 1, "second"));
  ASSERT_TRUE(store(large));
  close();
  const auto count = run();
  ASSERT_TRUE(count) << count.error().detail;
  EXPECT_EQ(*count, 2U);
  EXPECT_EQ(reports_, std::vector<std::string>());
  EXPECT_EQ(file(1, ".eml"),
            "DKIM-Signature: v=1\r\nFrom: a@example.com\r\nSubject: 1\r\n\r\nHello\r\n");
  EXPECT_EQ(file(2, ".eml"), "From: a@example.com\r\nSubject: 2\r\n\r\nfirst,second");
  const auto json = nlohmann::json::parse(file(1, ".json"));
  EXPECT_EQ(json["id"], QueueId{1}.to_string());
  EXPECT_EQ(json["sender"], "<>");
  EXPECT_EQ(json["state"]["recipients"][0]["address"], "you@example.net");
  EXPECT_EQ(json["state"]["recipients"][0]["status"], "queued");
}

TEST_F(ExportTest, refuses_a_spool_in_use_and_what_is_no_spool) {
  EXPECT_EQ(run().error().fault, Fault::spool_failed);
  open();
  EXPECT_EQ(run().error().fault, Fault::spool_in_use);
}

TEST_F(ExportTest, exports_what_a_damaged_log_leaves) {
  open();
  for (std::uint64_t id = 1; id <= 50; ++id) ASSERT_TRUE(store(message(id), body(2000)));
  close();
  for (const auto& entry : std::filesystem::directory_iterator(home() / "db")) {
    if (entry.path().extension() != ".log" || entry.file_size() < 50'000) continue;
    std::fstream log(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(30'000);
    log << "#####";
  }
  const auto count = run();
  ASSERT_TRUE(count) << count.error().detail;
  EXPECT_LT(*count, 50U);
  EXPECT_GE(*count, 48U);
}

TEST_F(ExportTest, exports_from_a_database_that_has_lost_its_way) {
  open();
  for (std::uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(store(message(id), body(2000)));
  close();
  open();  // Recovery writes the log out to tables and blob files.
  for (std::uint64_t id = 21; id <= 30; ++id) ASSERT_TRUE(store(message(id), body(2000)));
  close();
  std::filesystem::remove(home() / "db" / "CURRENT");
  std::ofstream(home() / "format") << "";
  const auto count = run();
  ASSERT_TRUE(count) << count.error().detail;
  EXPECT_EQ(*count, 30U);
  EXPECT_EQ(reports_.size(), 2U);  // Of the format and of the copy.
  EXPECT_EQ(file(13, ".eml").size(), file(23, ".eml").size());
  EXPECT_FALSE(std::filesystem::exists(out() / ".repaired"));
}

TEST_F(ExportTest, names_what_is_lost_with_the_manifest_and_exports_the_log) {
  open();
  for (std::uint64_t id = 1; id <= 5; ++id) ASSERT_TRUE(store(message(id), body(2000)));
  close();
  open();
  for (std::uint64_t id = 6; id <= 10; ++id) ASSERT_TRUE(store(message(id), body(2000)));
  close();
  for (const auto& entry : std::filesystem::directory_iterator(home() / "db")) {
    if (entry.path().filename().string().starts_with("MANIFEST"))
      std::filesystem::resize_file(entry.path(), 10);
  }
  const auto count = run();
  ASSERT_TRUE(count) << count.error().detail;
  EXPECT_EQ(*count, 5U);
  EXPECT_NE(file(7, ".eml"), "");
  for (std::uint64_t id = 1; id <= 5; ++id) {
    EXPECT_TRUE(std::ranges::any_of(reports_, [&](const std::string& line) {
      return line.starts_with(QueueId{id}.to_string());
    })) << id;
  }
}

TEST_F(ExportTest, reports_a_message_whose_body_is_damaged_and_writes_the_others) {
  open();
  for (std::uint64_t id = 1; id <= 20; ++id) {
    ASSERT_TRUE(store(message(id), body(2000, static_cast<char>('a' + id))));
  }
  close();
  open();  // Recovery writes the log out to tables and blob files.
  close();
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(home() / "db")) {
    if (entry.path().extension() != ".blob") continue;
    std::fstream blob(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string all(std::istreambuf_iterator<char>(blob), {});
    const std::size_t place = all.find(std::string(100, 'a' + 7));
    if (place == std::string::npos) continue;
    blob.clear();
    blob.seekp(static_cast<std::streamoff>(place));
    blob << "#####";
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  const auto count = run();
  ASSERT_TRUE(count) << count.error().detail;
  EXPECT_EQ(*count, 19U);
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_NE(reports_[0].find(QueueId{7}.to_string()), std::string::npos);
}

}  // namespace
}  // namespace signet::spool
