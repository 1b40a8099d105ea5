// The small parts of the spool by themselves: keys, high-water mark, lower bound, free space.
#include <fstream>

#include "relay/spool/due_floor.hpp"
#include "relay/spool/free_space.hpp"
#include "relay/spool/high_water_mark.hpp"
#include "relay/spool/layout.hpp"
#include "relay/spool/record_format.hpp"
#include "relay/spool/state_row.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

class StillClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return at(0); }
  [[nodiscard]] SteadyTime steady() const override { return time; }
  SteadyTime time{std::chrono::seconds(1000)};
};

TEST(LayoutTest, orders_keys_as_their_values) {
  EXPECT_LT(id_key(QueueId{255}), id_key(QueueId{256}));
  EXPECT_LT(due_key({at(1), QueueId{9}}), due_key({at(2), QueueId{1}}));
  EXPECT_LT(due_key({at(1), QueueId{1}}), due_key({at(1), QueueId{2}}));
  EXPECT_EQ(due_key({at(-5), QueueId{1}}), due_key({at(0), QueueId{1}}));
  EXPECT_EQ(parse_due(due_key({at(3), QueueId{4}}))->id, QueueId{4});
  EXPECT_EQ(parse_due(due_key({at(3), QueueId{4}}))->due, at(3));
  EXPECT_FALSE(parse_due("short"));
  EXPECT_FALSE(parse_id("short"));
}

TEST(RecordFormatTest, refuses_damaged_and_newer_rows) {
  const std::string good = encode_record(message(1)->record);
  ASSERT_TRUE(decode_record(QueueId{1}, good));
  EXPECT_EQ(decode_record(QueueId{1}, "\xFF\xFF").error().fault, Fault::spool_failed);
  EXPECT_EQ(decode_record(QueueId{1}, "\x08\x02").error().fault, Fault::spool_newer);
  const std::string row = encode_head({}) + encode_state(message(1)->state);
  ASSERT_TRUE(decode_state_row(row));
  EXPECT_EQ(decode_state_row(row.substr(0, 10)).error().fault, Fault::spool_failed);
  EXPECT_EQ(decode_state_row("\x02" + row.substr(1)).error().fault, Fault::spool_newer);
  EXPECT_EQ(decode_state_row(row.substr(0, row.size() - 1)).error().fault, Fault::spool_failed);
}

TEST(StateRowTest, keeps_where_an_operator_sent_a_recipient) {
  State state = message(1)->state;
  state.recipients.at(0).rerouted_to = "smtp://192.0.2.1:25";
  const auto kept = decode_state_row(encode_head({}) + encode_state(state));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->recipients.at(0).rerouted_to, "smtp://192.0.2.1:25");
  EXPECT_EQ(decode_state_row(encode_head({}) + encode_state(message(1)->state))
                ->recipients.at(0)
                .rerouted_to,
            "");
}

TEST(StateRowTest, keeps_its_head) {
  StateHead head{at(5), at(6), 7, 8, true, true};
  const auto decoded = decode_head(encode_head(head));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->due, at(5));
  EXPECT_EQ(decoded->held_since, at(6));
  EXPECT_EQ(decoded->body_chunks, 7U);
  EXPECT_EQ(decoded->body_size, 8U);
  EXPECT_TRUE(decoded->held);
  EXPECT_TRUE(decoded->quarantined);
}

TEST(HighWaterMarkTest, outlives_a_torn_write) {
  const test::ScratchFolder directory;
  const auto path = directory.path() / "mark";
  {
    auto mark = HighWaterMark::create(path);
    ASSERT_TRUE(mark);
    for (std::uint64_t sequence : {10U, 20U, 30U}) ASSERT_TRUE(mark->set(sequence));
  }
  EXPECT_EQ(HighWaterMark::open(path)->sequence(), 30U);
  const auto tear = [&](std::streamoff sector) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(sector + 12);
    file << "????";
  };
  tear(0);  // The third write went to the first sector.
  auto mark = HighWaterMark::open(path);
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->sequence(), 20U);
  ASSERT_TRUE(mark->set(40));
  EXPECT_EQ(HighWaterMark::open(path)->sequence(), 40U);
  tear(0);
  tear(512);
  EXPECT_EQ(HighWaterMark::open(path).error().fault, Fault::spool_failed);
}

TEST(HighWaterMarkTest, goes_on_in_the_older_sector) {
  const test::ScratchFolder directory;
  const auto path = directory.path() / "mark";
  ASSERT_TRUE(HighWaterMark::create(path));
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
    auto mark = HighWaterMark::open(path);
    ASSERT_TRUE(mark);
    EXPECT_EQ(mark->sequence(), sequence - 1);
    ASSERT_TRUE(mark->set(sequence));
  }
}

TEST(DueFloorTest, rises_to_what_a_scan_met_first) {
  DueFloor floor;
  EXPECT_LT(floor.begin_scan().due, at(0));
  floor.end_scan({at(10), QueueId{1}});
  EXPECT_EQ(floor.begin_scan().due, at(10));
  floor.end_scan();
  EXPECT_EQ(floor.begin_scan().due, at(10));
  floor.end_scan({at(5), QueueId{1}});  // Never falls by a scan.
  EXPECT_EQ(floor.begin_scan().due, at(10));
}

TEST(DueFloorTest, stays_below_what_is_written_before_during_and_after_a_scan) {
  for (int when = 0; when < 3; ++when) {
    DueFloor floor;
    const Entry early{at(3), QueueId{1}};
    if (when == 0) floor.writing(early);
    (void)floor.begin_scan();
    if (when == 1) {
      floor.writing(early);
      floor.written();
    }
    floor.end_scan({at(10), QueueId{1}});
    if (when == 2) floor.writing(early);
    EXPECT_EQ(floor.begin_scan().due, at(3)) << when;
  }
}

TEST(FreeSpaceTest, looks_once_a_second) {
  test::ScratchFolder directory;
  const auto place = directory.path() / "place";
  std::filesystem::create_directory(place);
  StillClock clock;
  const FreeSpace space(place, 0, 0, clock);
  EXPECT_FALSE(space.is_short());
  std::filesystem::remove(place);  // What can't be asked counts as short.
  EXPECT_FALSE(space.is_short());
  clock.time += std::chrono::seconds(1);
  EXPECT_TRUE(space.is_short());
}

TEST(FreeSpaceTest, is_short_below_either_limit) {
  const test::ScratchFolder directory;
  const StillClock clock;
  EXPECT_FALSE(FreeSpace(directory.path(), 1, 0.000001, clock).is_short());
  EXPECT_TRUE(FreeSpace(directory.path(), ~0ULL, 0, clock).is_short());
  EXPECT_TRUE(FreeSpace(directory.path(), 0, 1.1, clock).is_short());
}

}  // namespace
}  // namespace signet::spool
