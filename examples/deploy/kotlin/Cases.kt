// Tries the decoder on golden cases: prints the people of each, one line of JSON per case.
//
//     kotlinc -cp json.jar *.kt -include-runtime -d cases.jar
//     java -cp cases.jar:json.jar nimblepose.CasesKt human-litert-int8.json case.json...
package nimblepose

import java.io.File
import org.json.JSONArray
import org.json.JSONObject

fun main(arguments: Array<String>) {
    val model = Model(File(arguments[0]).readText())
    for (path in arguments.drop(1)) {
        val given = JSONObject(File(path).readText())
        val (height, width) = given.getJSONArray("size").toInts().toList()
        val (heatmaps, pafs) = listOf("heatmaps", "pafs").map { given.getJSONArray(it).toFloats() }
        val fields = Fields(height, width, heatmaps, pafs)
        val placement = Placement(given.getJSONArray("image_size").toInts(), given.getJSONArray("input_size").toInts())
        println(toJson(decode(fields, placement, model)))
    }
}

private fun JSONArray.toFloats() = toDoubles().let { all -> FloatArray(all.size) { all[it].toFloat() } }

private fun JSONArray.toInts() = IntArray(length()) { getInt(it) }

private fun toJson(people: List<Pose>): JSONArray {
    fun list(values: FloatArray) = JSONArray(values.map { if (it.isNaN()) JSONObject.NULL else it.toDouble() })
    return JSONArray(people.map { pose ->
        JSONObject().put("score", pose.score.toDouble()).put("keypoints", list(pose.keypoints)).put("scores", list(pose.scores))
    })
}
