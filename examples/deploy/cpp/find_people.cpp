// Finds people with OpenCV's dnn, from the model and its JSON file alone; prints them as JSON.
//
//     g++ -std=c++17 -O2 find_people.cpp -o find_people $(pkg-config --cflags --libs opencv4)
//     ./find_people for-opencv/human-onnx-float32.json picture.jpg [height of the input]
//     ./find_people for-opencv/human-onnx-float32.json --fields case.json

#include <filesystem>
#include <iostream>

#include <opencv2/dnn.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "nimblepose/decode.hpp"

using namespace nimblepose;

/// What the network gives for a picture that has the size of its input.
Fields compute_fields(cv::dnn::Net& network, const Picture& picture, const Model& model) {
  const Input& input = model.input;
  if (input.type != "float32" || input.layout != "NCHW")
    throw std::runtime_error("OpenCV takes float32 in NCHW: export with --to onnx-float-input or --to onnx-float32");
  const cv::Mat rgb(picture.height, picture.width, CV_8UC3, const_cast<uint8_t*>(picture.pixels.data()));
  const cv::Scalar mean(input.mean, input.mean, input.mean);
  network.setInput(cv::dnn::blobFromImage(rgb, input.scale, {}, mean, input.blue_first), input.name);
  std::vector<cv::Mat> outputs;
  network.forward(outputs, model.outputs);
  const auto copy = [](const cv::Mat& from) {
    return std::vector<float>(from.ptr<float>(), from.ptr<float>() + from.total());
  };
  return {outputs[0].size[2], outputs[0].size[3], copy(outputs[0]), copy(outputs[1])};
}

std::vector<Pose> find_people(cv::dnn::Net& network, const cv::Mat& image, const Model& model, int input_height) {
  cv::Mat rgb;
  cv::cvtColor(image, rgb, cv::COLOR_BGR2RGB);
  const Placement placement = fit({rgb.rows, rgb.cols}, input_height, model.input.stride);
  const Picture whole{rgb.rows, rgb.cols, std::vector<uint8_t>(rgb.datastart, rgb.dataend)};
  const Picture picture = resize(whole, placement.input_size);
  return decode(compute_fields(network, picture, model), placement, model);
}

/// Poses of fields that somebody else has computed; the file is one of make_case.py.
std::vector<Pose> decode_case(const std::string& path, const Model& model) {
  std::ifstream file(path);
  const auto given = nlohmann::json::parse(file);
  const std::array<int, 2> size = given.at("size");
  return decode({size[0], size[1], given.at("heatmaps"), given.at("pafs")},
                {given.at("image_size"), given.at("input_size")}, model);
}

int main(int count, char** arguments) try {
  if (count < 3) throw std::runtime_error("find_people MODEL.json PICTURE [HEIGHT] or MODEL.json --fields CASE.json");
  const std::filesystem::path sidecar = arguments[1];
  const Model model = read_model(sidecar.string());
  std::vector<Pose> poses;
  if (std::string(arguments[2]) == "--fields") {
    poses = decode_case(arguments[3], model);
  } else {
    auto network = cv::dnn::readNetFromONNX((sidecar.parent_path() / model.files.at(0)).string());
    const cv::Mat image = cv::imread(arguments[2]);
    if (image.empty()) throw std::runtime_error(std::string("no picture ") + arguments[2]);
    poses = find_people(network, image, model, count > 3 ? std::stoi(arguments[3]) : 256);
  }
  auto people = nlohmann::json::array();
  for (const auto& pose : poses)  // what was not found, NaN, is null in JSON
    people.push_back({{"score", pose.score}, {"keypoints", pose.keypoints}, {"scores", pose.scores}});
  std::cout << people << std::endl;
} catch (const std::exception& error) {
  std::cerr << error.what() << std::endl;
  return 1;
}
