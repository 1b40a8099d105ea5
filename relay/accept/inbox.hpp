// Octets received and not yet used: small while a connection is idle, large while mail flows.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace signet::accept {

class Inbox {
 public:
  static constexpr std::size_t kIdle = 1024;       ///< What an idle connection keeps.
  static constexpr std::size_t kMost = 64U << 10;  ///< Never more.

  [[nodiscard]] std::string_view unread() const { return {octets_.get() + begin_, end_ - begin_}; }
  /// The first `count` octets of unread() are used; views of them stay valid until room() or
  /// rest().
  void consume(std::size_t count) { begin_ += count; }
  /// Where to read to: never empty unless kMost octets are unread.
  [[nodiscard]] std::span<char> room();
  /// `count` octets of room() were filled.
  void filled(std::size_t count) { end_ += count; }
  /// Room for at least `size` octets in all; for bulk input.
  void reserve(std::size_t size) {
    if (size > size_) move_to(std::min(size, kMost));
  }
  /// Gives memory back when nothing is unread.
  void rest() {
    if (begin_ == end_ && size_ > kIdle) *this = Inbox();
  }

 private:
  void move_to(std::size_t size);

  std::unique_ptr<char[]> octets_;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

inline std::span<char> Inbox::room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == size_) move_to(begin_ > size_ / 2 ? size_ : std::clamp(size_ * 4, kIdle, kMost));
  return {octets_.get() + end_, size_ - end_};
}

inline void Inbox::move_to(std::size_t size) {
  auto larger = std::make_unique_for_overwrite<char[]>(size);
  if (end_ > begin_) std::memcpy(larger.get(), octets_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  octets_ = std::move(larger);
  size_ = size;
}

}  // namespace signet::accept
