// Pictures to the size of the input: halved as often as it takes, then cubic with a = -0.75, without antialiasing.
// Written out, since what cv::resize gives differs by version and processor, and other resizers move keypoints.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace nimblepose {

/// Three bytes per pixel, row by row; red first.
struct Picture {
  int height, width;
  std::vector<uint8_t> pixels;
};

/// How a picture becomes the input: sizes are {height, width}.
struct Placement {
  std::array<int, 2> image_size, input_size;
};

namespace detail {

/// The nearest whole number, of two the even one.
inline int round_half_even(double value) { return static_cast<int>(std::nearbyint(value)); }

/// Exact linear interpolation in fixed point, 8 bits of fraction along each axis.
inline Picture resize_linear(const Picture& from, int height, int width) {
  const auto place = [](int from, int to, std::vector<int>& at, std::vector<int>& weight) {
    const double scale = static_cast<double>(from) / to;
    at.assign(to, 0);
    weight.assign(to, 0);
    for (int i = 0; i < to; i++) {
      const double where = scale * (i + 0.5) - 0.5;
      const int low = static_cast<int>(std::floor(where));
      if (low < 0 || from < 2) continue;
      at[i] = std::min(low, from - 1);
      if (low < from - 1) weight[i] = round_half_even((where - low) * 256);
    }
  };
  std::vector<int> columns, across, rows, down;
  place(from.width, width, columns, across);
  place(from.height, height, rows, down);
  Picture made{height, width, std::vector<uint8_t>(3 * size_t(height) * width)};
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
        const auto row = [&](int r) {
          const uint8_t* at = &from.pixels[3 * (size_t(r) * from.width + columns[x]) + c];
          return at[0] * (256 - across[x]) + at[across[x] ? 3 : 0] * across[x];
        };
        const int sum = row(rows[y]) * (256 - down[y]) + (down[y] ? row(rows[y] + 1) * down[y] : 0);
        made.pixels[3 * (size_t(y) * width + x) + c] = static_cast<uint8_t>((sum + 32768) >> 16);
      }
  return made;
}

inline Picture resize_cubic(const Picture& from, int height, int width) {
  constexpr double a = -0.75;
  struct Taps {
    std::array<int, 4> at;
    std::array<float, 4> weight;
  };
  const auto place = [](int from, int to) {
    std::vector<Taps> taps(to);
    for (int i = 0; i < to; i++) {
      const double where = (i + 0.5) * from / to - 0.5;
      const int low = static_cast<int>(std::floor(where));
      const double x = static_cast<float>(where - low);
      const auto outer = [](double t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
      const auto inner = [](double t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
      taps[i].weight = {float(outer(x + 1)), float(inner(x)), float(inner(1 - x)), float(outer(2 - x))};
      for (int k = 0; k < 4; k++) taps[i].at[k] = std::clamp(low - 1 + k, 0, from - 1);
    }
    return taps;
  };
  const auto columns = place(from.width, width), rows = place(from.height, height);
  std::vector<float> across(3 * size_t(from.height) * width);
  for (int y = 0; y < from.height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
        double sum = 0;
        for (int k = 0; k < 4; k++)
          sum += from.pixels[3 * (size_t(y) * from.width + columns[x].at[k]) + c] * double(columns[x].weight[k]);
        across[3 * (size_t(y) * width + x) + c] = static_cast<float>(sum);
      }
  Picture made{height, width, std::vector<uint8_t>(3 * size_t(height) * width)};
  for (int y = 0; y < height; y++)
    for (int i = 0; i < 3 * width; i++) {
      double sum = 0;
      for (int k = 0; k < 4; k++) sum += across[3 * size_t(rows[y].at[k]) * width + i] * double(rows[y].weight[k]);
      made.pixels[3 * size_t(y) * width + i] = static_cast<uint8_t>(std::clamp(std::nearbyint(sum), 0.0, 255.0));
    }
  return made;
}

}  // namespace detail

/// Scaled to a height, sides in multiples of the stride, at most six times as wide as that height.
inline Placement fit(std::array<int, 2> image_size, int input_height, int stride) {
  const double factor = std::min(double(input_height) / image_size[0], input_height * 6.0 / image_size[1]);
  const auto snap = [&](int side) { return std::max(1, detail::round_half_even(side * factor / stride)) * stride; };
  return {image_size, {snap(image_size[0]), snap(image_size[1])}};
}

inline Picture resize(Picture picture, std::array<int, 2> size) {
  bool halved = false;
  for (; picture.height >= 2 * size[0] && picture.width >= 2 * size[1]; halved = true)
    picture = detail::resize_linear(picture, picture.height / 2, picture.width / 2);
  if (picture.height == size[0] && picture.width == size[1]) return picture;
  return (halved ? detail::resize_linear : detail::resize_cubic)(picture, size[0], size[1]);
}

}  // namespace nimblepose
