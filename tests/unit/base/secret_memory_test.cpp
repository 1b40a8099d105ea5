#include "relay/base/secret_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace signet {
namespace {

class SecretMemoryTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const bool kProtected = protect_secrets();
    ASSERT_TRUE(kProtected);
  }
};

bool is_blank(const void* memory, std::size_t size) {
  const auto* octets = static_cast<const unsigned char*>(memory);
  return std::all_of(octets, octets + size, [](unsigned char octet) { return octet == 0; });
}

/// The VmFlags of the mapping that holds `memory` (proc(5)).
std::string flags_of(const void* memory) {
  std::ifstream maps("/proc/self/smaps");
  bool is_it = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> begin >> dash >> end && dash == '-') {
      const auto at = reinterpret_cast<std::uintptr_t>(memory);
      is_it = begin <= at && at < end;
    }
    if (is_it && line.starts_with("VmFlags:")) return line + " ";
  }
  return {};
}

TEST_F(SecretMemoryTest, is_left_out_of_dumps_and_locked) {
  void* const memory = allocate_secret(100);
  ASSERT_NE(memory, nullptr);
  EXPECT_TRUE(is_secret(memory));
  EXPECT_NE(flags_of(memory).find(" dd "), std::string::npos);
  const auto use = secret_memory_use();
  EXPECT_GT(use.bytes, 100);
  EXPECT_EQ(use.locked, use.bytes);
  EXPECT_NE(flags_of(memory).find(" lo "), std::string::npos);
  release_secret(memory);
  const int ordinary = 0;
  EXPECT_FALSE(is_secret(&ordinary));
  EXPECT_FALSE(is_secret(nullptr));
}

TEST_F(SecretMemoryTest, what_comes_back_is_wiped_and_serves_again) {
  for (const std::size_t size : {1UL, 32UL, 33UL, 100UL, 4096UL, 70'000UL, 1'500'000UL}) {
    void* const memory = allocate_secret(size);
    ASSERT_NE(memory, nullptr) << size;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignof(std::max_align_t), 0);
    std::memset(memory, 'k', size);
    release_secret(memory);
    EXPECT_TRUE(is_blank(memory, size)) << size;  // It is still ours to read.
    EXPECT_EQ(allocate_secret(size), memory);
    release_secret(memory);
  }
  EXPECT_EQ(allocate_secret(2UL << 20U), nullptr);
}

TEST_F(SecretMemoryTest, what_moves_is_wiped_where_it_was) {
  void* const memory = allocate_secret(48);
  std::memset(memory, 'k', 48);
  EXPECT_EQ(resize_secret(memory, 40), memory);
  void* const moved = resize_secret(memory, 1000);
  ASSERT_NE(moved, memory);
  EXPECT_TRUE(is_blank(memory, 48));
  EXPECT_EQ(std::string(static_cast<const char*>(moved), 48), std::string(48, 'k'));
  EXPECT_EQ(resize_secret(moved, 2UL << 20U), nullptr);
  EXPECT_EQ(std::string(static_cast<const char*>(moved), 48), std::string(48, 'k'));
  release_secret(moved);
}

TEST_F(SecretMemoryTest, texts_live_in_it) {
  const SecretText text("-----BEGIN PRIVATE KEY-----");
  EXPECT_TRUE(is_secret(text.view().data()));
  EXPECT_EQ(text.view(), "-----BEGIN PRIVATE KEY-----");
}

TEST_F(SecretMemoryTest, scopes_nest_on_their_own_thread) {
  EXPECT_FALSE(SecretScope::is_open());
  {
    const SecretScope outer;
    {
      const SecretScope inner;
    }
    EXPECT_TRUE(SecretScope::is_open());
    std::thread([] { EXPECT_FALSE(SecretScope::is_open()); }).join();
  }
  EXPECT_FALSE(SecretScope::is_open());
}

TEST_F(SecretMemoryTest, threads_hand_pieces_to_each_other) {
  constexpr std::size_t kPieces = 2000;
  std::vector<std::vector<void*>> made(8);
  std::vector<std::thread> makers;
  for (std::size_t i = 0; i < made.size(); ++i) {
    makers.emplace_back([&pieces = made[i], i] {
      for (std::size_t k = 0; k < kPieces; ++k) {
        pieces.push_back(allocate_secret(1 + (k * 37 + i) % 600));
        std::memset(pieces.back(), 'x', 1 + (k * 37 + i) % 600);
      }
    });
  }
  for (auto& maker : makers) maker.join();
  const auto use = secret_memory_use().bytes;
  std::vector<std::thread> enders;
  for (std::size_t i = 0; i < made.size(); ++i) {
    enders.emplace_back([&pieces = made[(i + 1) % made.size()], i] {
      for (void* const piece : pieces) release_secret(piece);
      for (std::size_t k = 0; k < kPieces; ++k) release_secret(allocate_secret(1 + (k + i) % 600));
    });
  }
  for (auto& ender : enders) ender.join();
  EXPECT_LE(secret_memory_use().bytes, use + made.size() * (64UL << 10U));
}

}  // namespace
}  // namespace signet
