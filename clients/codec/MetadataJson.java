// Writes metadata records as Kafka shows them: as JSON, the way kafka-dump-log --cluster-metadata-decoder does.
//
//   java -cp "/opt/kafka/libs/*" MetadataJson.java < ../../crates/state/tests/fixtures/metadata-records.txt
//
// Each line of the input ends in a record's hex.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;

import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import org.apache.kafka.common.metadata.MetadataJsonConverters;
import org.apache.kafka.common.metadata.MetadataRecordType;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;

public class MetadataJson {
    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            byte[] bytes = HexFormat.of().parseHex(line.substring(line.lastIndexOf(' ') + 1));
            ByteBufferAccessor accessor = new ByteBufferAccessor(java.nio.ByteBuffer.wrap(bytes));
            ApiMessageAndVersion read = new MetadataRecordSerde().read(accessor, bytes.length);
            ObjectNode json = new ObjectNode(JsonNodeFactory.instance);
            json.set("type", new TextNode(MetadataRecordType.fromId(read.message().apiKey()).toString()));
            json.set("version", new IntNode(read.version()));
            json.set("data", MetadataJsonConverters.writeJson(read.message(), read.version()));
            System.out.println(json);
        }
    }
}
