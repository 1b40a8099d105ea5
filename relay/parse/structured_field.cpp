#include "relay/parse/structured_field.hpp"

#include <vector>

#include "relay/parse/address_scanner.hpp"
#include "relay/parse/encoded_words.hpp"
#include "relay/smtp/characters.hpp"

namespace signet::parse {
namespace {

std::string without_backslashes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    if (text[i] != '\r' && text[i] != '\n') out += text[i];
  }
  return out;
}

// An encoded word needs white space on both sides, so words without any between them are one.
std::vector<Word> join_touching(const std::vector<Word>& words) {
  std::vector<Word> joined;
  for (const Word& word : words) {
    if (joined.empty() || !word.space.empty()) {
      joined.push_back(word);
      continue;
    }
    Word& last = joined.back();
    last.raw = {last.raw.data(), last.raw.size() + word.raw.size()};
    last.text += word.text;
  }
  return joined;
}

// The text between parentheses, of any depth, is unstructured.
void append_comment(std::string& field, std::string_view comment) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < comment.size(); ++i) {
    if (comment[i] == '\\') {
      ++i;
    } else if (comment[i] == '(' || comment[i] == ')') {
      auto words = split_words(comment.substr(begin, i - begin));
      for (Word& word : words) word.text = without_backslashes(word.raw);
      append_words(field, words);
      field += comment[i];
      begin = i + 1;
    }
  }
}

/// Writes a structured value again: comments always, phrases before a "<" if there are any.
class StructuredWriter {
 public:
  StructuredWriter(std::string_view value, bool has_phrases, std::string& field)
      : value_(value), scan_(value), has_phrases_(has_phrases), field_(field) {}

  void run() {
    while (!scan_.at_end()) step();
    flush(false);
  }

 private:
  void step() {
    const std::size_t begin = scan_.position();
    const std::string_view space =
        scan_.take_while([](char c) { return smtp::is_wsp(c) || c == '\r' || c == '\n'; });
    const char c = scan_.peek();
    if (c == '(') return take_comment(space);
    if (c == '<') return take_angle(begin, space);
    if (c == ',' || c == ';' || c == ':') {
      flush(c == ':');
      scan_.skip();
      field_.append(space).append(1, c);
      return;
    }
    if (c == '"') return take_quoted(space);
    const std::string_view atom = scan_.take_while(is_atom_octet);
    if (atom.empty() && !scan_.at_end()) scan_.skip();
    const std::string_view raw =
        value_.substr(begin + space.size(), scan_.position() - begin - space.size());
    words_.push_back({.space = space, .raw = raw, .text = std::string(raw)});
  }

  static bool is_atom_octet(char c) {
    return !smtp::is_wsp(c) && std::string_view("\r\n(<,;:\"").find(c) == std::string_view::npos;
  }

  // Where a comment stands inside a phrase, the phrase is written in two halves.
  void take_comment(std::string_view space) {
    const std::string_view comment = scan_.take_comment();
    if (comment.empty()) return take_rest(space);
    pieces_.push_back({.words = std::move(words_), .space = space, .comment = comment});
    words_.clear();
  }

  void take_quoted(std::string_view space) {
    const std::string_view quoted = scan_.take_quoted_string();
    if (quoted.empty()) return take_rest(space);
    words_.push_back({.space = space,
                      .raw = quoted,
                      .text = without_backslashes(quoted.substr(1, quoted.size() - 2))});
  }

  void take_angle(std::size_t begin, std::string_view space) {
    flush(true);
    scan_.seek(begin + space.size());
    const std::string_view address = take_to_closing_angle();
    const bool touches = space.empty() && field_.ends_with("?=");
    field_.append(touches ? " " : space).append(address);
  }

  // A ">" inside a quoted local part closes nothing.
  std::string_view take_to_closing_angle() {
    const std::size_t begin = scan_.position();
    while (!scan_.at_end()) {
      const char c = scan_.peek();
      if (c != '"' || scan_.take_quoted_string().empty()) scan_.skip();
      if (c == '>') break;
    }
    return value_.substr(begin, scan_.position() - begin);
  }

  // An open comment or quoted string: nothing after it can be understood.
  void take_rest(std::string_view space) {
    flush(false);
    field_.append(space).append(value_.substr(scan_.position()));
    scan_.seek(value_.size());
  }

  void flush(bool is_phrase) {
    for (const Piece& piece : pieces_) {
      append(piece.words, is_phrase);
      field_.append(piece.space);
      append_comment(field_, piece.comment);
    }
    append(words_, is_phrase);
    pieces_.clear();
    words_.clear();
  }

  void append(const std::vector<Word>& words, bool is_phrase) {
    if (is_phrase && has_phrases_) return append_words(field_, join_touching(words));
    for (const Word& word : words) field_.append(word.space).append(word.raw);
  }

  struct Piece {
    std::vector<Word> words;
    std::string_view space;
    std::string_view comment;
  };

  std::string_view value_;
  AddressScanner scan_;
  bool has_phrases_;
  std::string& field_;
  std::vector<Piece> pieces_;
  std::vector<Word> words_;
};

}  // namespace

void append_structured(std::string& field, std::string_view value, bool has_phrases) {
  StructuredWriter(value, has_phrases, field).run();
}

}  // namespace signet::parse
