#include "relay/parse/encoded_words.hpp"

#include <algorithm>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/utf8.hpp"

namespace signet::parse {
namespace {

constexpr std::size_t kMaxEncodedWord = 75;  // RFC 2047 2
constexpr std::size_t kMaxColumn = 76;
constexpr std::size_t kLeastRoom = 30;  // Less room than this on a line is not worth using.

bool is_white_space(char c) { return smtp::is_wsp(c) || c == '\r' || c == '\n'; }

bool looks_encoded(const Word& word) {
  return word.raw.size() > 4 && word.raw.starts_with("=?") && word.raw.ends_with("?=");
}

std::string unfold(std::string_view space) {
  std::string out(space);
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n'; });
  return out;
}

// The safe set of RFC 2047 5 (3).
bool is_literal_in_q(char c) {
  return smtp::is_letter(c) || smtp::is_digit(c) ||
         std::string_view("!*+-/").find(c) != std::string_view::npos;
}

std::string encode_q(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (is_literal_in_q(c))
      out += c;
    else if (c == ' ')
      out += '_';
    else
      out.append({'=', kHex[octet >> 4U], kHex[octet & 15U]});
  }
  return out;
}

std::size_t encoded_size(std::string_view text, bool base64) {
  if (base64) return (text.size() + 2) / 3 * 4;
  std::size_t size = 0;
  for (const char c : text) size += is_literal_in_q(c) || c == ' ' ? 1 : 3;
  return size;
}

/// One run of text, cut at characters into encoded words that fit their lines.
class RunWriter {
 public:
  RunWriter(std::string& field, std::string_view text)
      : field_(field),
        text_(text),
        utf8_(smtp::is_utf8(text)),
        base64_(encoded_size(text, true) < encoded_size(text, false)),
        prefix_(std::string(utf8_ ? "=?UTF-8?" : "=?unknown-8bit?") + (base64_ ? "B?" : "Q?")) {}

  void run() {
    for (bool first = true; !text_.empty(); first = false) {
      if (!first || room() < kLeastRoom) fold(first);
      const std::string_view piece = take_piece(std::max(room(), kLeastRoom));
      field_ += prefix_;
      field_ += base64_ ? smtp::encode_base64(piece) : encode_q(piece);
      field_ += "?=";
    }
  }

 private:
  [[nodiscard]] std::size_t column() const {
    const std::size_t lf = field_.rfind('\n');
    return field_.size() - (lf == std::string::npos ? 0 : lf + 1);
  }
  [[nodiscard]] std::size_t room() const {
    return std::min(kMaxEncodedWord, kMaxColumn - std::min(kMaxColumn, column()));
  }
  // Before the first word the white space that is there moves to the new line, so that none is
  // added. A line must not be left empty, and inside "(" there is none to move.
  void fold(bool first) {
    std::string space = " ";
    if (first) {
      const std::size_t end = field_.find_last_not_of(" \t") + 1;
      if (end == field_.size() || end == 0 || field_[end - 1] == '\n') return;
      space = field_.substr(end);
      field_.resize(end);
    }
    field_.append("\r\n").append(space);
  }
  [[nodiscard]] std::string_view take_piece(std::size_t room) {
    const std::size_t limit = room - prefix_.size() - 2;
    std::size_t size = 0;
    while (size < text_.size()) {
      const std::size_t character =
          utf8_ ? smtp::utf8_character(text_.substr(size)) : std::size_t{1};
      if (size > 0 && encoded_size(text_.substr(0, size + character), base64_) > limit) break;
      size += character;
    }
    const std::string_view piece = text_.substr(0, size);
    text_.remove_prefix(size);
    return piece;
  }

  std::string& field_;
  std::string_view text_;
  bool utf8_;
  bool base64_;
  std::string prefix_;
};

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  while (!text.empty()) {
    const auto* const word = std::ranges::find_if_not(text, is_white_space);
    const auto space = static_cast<std::size_t>(word - text.begin());
    const auto* const end = std::find_if(word, text.end(), is_white_space);
    const auto size = static_cast<std::size_t>(end - word);
    words.push_back({.space = text.substr(0, space),
                     .raw = text.substr(space, size),
                     .text = std::string(text.substr(space, size))});
    text.remove_prefix(space + size);
  }
  return words;
}

void append_words(std::string& field, const std::vector<Word>& words) {
  for (std::size_t i = 0; i < words.size();) {
    if (!smtp::has_eight_bit(words[i].raw)) {
      field.append(words[i].space).append(words[i].raw);
      ++i;
      continue;
    }
    // White space next to an encoded word is dropped by a reader when its other neighbour is one.
    std::string run = i > 0 && looks_encoded(words[i - 1]) ? unfold(words[i].space) : "";
    field.append(words[i].space);
    run += words[i].text;
    for (++i; i < words.size() && smtp::has_eight_bit(words[i].raw); ++i)
      run += unfold(words[i].space) + words[i].text;
    if (i < words.size() && looks_encoded(words[i])) run += unfold(words[i].space);
    RunWriter(field, run).run();
  }
}

}  // namespace signet::parse
