"""Words that give an intent or a difficulty away, in many languages: a table, no logic.

Each entry is a stem; a stem matches where a word begins. Scripts without spaces match anywhere.
"""

from __future__ import annotations

# Languages in turn: en, es, fr, de, it, pt, nl, pl, ru, zh, ja, ko, ar, hi, tr.
INTENTS: dict[str, str] = {
    "code": (
        "code|function|python|javascript|typescript|rust|golang|sql|regex|script|bug|"
        "debug|refactor|compile|unit test|api|class|method|bash|docker|kubernetes|git|"
        "implement|algorithm|endpoint|funcion|función|código|programa|fonction|programme|"
        "funktion|programmier|funzione|codice|função|functie|funkcj|функци|код|скрипт|"
        "函数|代码|脚本|编程|関数|コード|スクリプト|함수|코드|دالة|كود|फ़ंक्शन|कोड|"
        "fonksiyon|commit message"
    ),
    "math": (
        "calculate|compute|solve|equation|integral|derivative|probability|percent|sum of|"
        "theorem|matrix|polynomial|how many|how much is|square root|arithmetic|geometry|"
        "algebra|calcula|resuelve|ecuación|calcule|résou|équation|berechne|gleichung|"
        "wurzel|calcola|risolvi|equação|bereken|oblicz|równani|вычисли|реши|уравнени|"
        "интеграл|计算|方程|求解|积分|概率|計算|方程式|確率|계산|방정식|احسب|معادلة|गणना|"
        "समीकरण|hesapla|denklem"
    ),
    "reasoning": (
        "prove|proof|why does|why do|reason|logic|puzzle|deduce|infer|argue|trade-off|"
        "tradeoff|root cause|compare|evaluate|analyse|analyze|explain why|"
        "what would happen|pros and cons|demuestra|prueba que|analiza|compara|démontre|"
        "prouve|analyse|beweise|begründe|vergleiche|dimostra|analizza|prove que|analise|"
        "bewijs|udowodnij|przeanalizuj|докажи|проанализируй|сравни|证明|分析|推理|比较|"
        "証明|分析し|比較|증명|분석|비교|أثبت|حلل|सिद्ध|विश्लेषण|kanıtla|analiz"
    ),
    "summarize": (
        "summar|tl;dr|tldr|key points|main points|gist|in short|condense|recap|digest of|"
        "resume|resumen|résume|résumé|zusammenfass|fasse|riassum|resuma|samenvat|streść|"
        "podsumuj|резюм|кратко|обобщи|总结|摘要|概括|要約|まとめ|요약|لخص|ملخص|सारांश|"
        "özetle"
    ),
    "translate": (
        "translat|in french|in german|in spanish|into english|to english|into japanese|"
        "traduc|traduci|traduis|traduire|übersetz|traduz|vertaal|przetłumacz|переведи|"
        "перевод|翻译|译成|翻訳|訳して|번역|ترجم|अनुवाद|çevir"
    ),
    "extract": (
        "extract|pull out|list all|find all|which line|first line|last line|parse|"
        "get the|pick out|what time is it in|from the log|in the log|extrae|extrais|"
        "extrahier|estrai|extraia|haal|wyodrębnij|извлеки|найди все|提取|抽取|抽出|추출|"
        "استخرج|निकाल|çıkar"
    ),
    "rewrite": (
        "rewrite|rephrase|paraphrase|improve this|fix the grammar|grammar|proofread|"
        "shorten|make it|more formal|polish|simplify this|reescribe|corrige|réécris|"
        "reformule|umformulier|korrigier|schreibe um|riscrivi|correggi|reescreva|corrija|"
        "herschrijf|przeredaguj|popraw|перепиши|исправь|改写|润色|修改|書き直|校正|"
        "다시 써|교정|أعد كتابة|पुनर्लेख|yeniden yaz|düzelt"
    ),
    "writing": (
        "write a|write an|write me|draft|compose|essay|poem|story|letter|email|blog|"
        "speech|haiku|song|escribe un|redacta|écris un|rédige|schreibe ein|verfasse|"
        "gedicht|scrivi un|poesia|escreva um|schrijf een|napisz|wiersz|напиши|стих|"
        "письмо|写一|写封|作文|诗|書いて|詩|써줘|시를|اكتب|لिख|लिखो|लिखें|bir hikaye|"
        "şiir|yaz"
    ),
    "brainstorm": (
        "brainstorm|ideas|suggest|names for|come up with|what could i|inspir|options for|"
        "ways to|ideas para|sugiere|idées|propose|ideen|vorschläge|idee per|suggerisci|"
        "ideias|sugira|ideeën|pomysł|идеи|предложи|придумай|点子|建议|主意|アイデア|提案|"
        "아이디어|제안|أفكار|اقترح|विचार|सुझाव|fikir|öner"
    ),
    "factual": (
        "what is|what are|what's|who is|who was|who wrote|when did|when was|where is|"
        "capital of|define|definition|meaning of|which country|how tall|how old|how far|"
        "qué es|quién|cuál es|cuándo|qu'est-ce|qui est|quelle est|quand|was ist|wer ist|"
        "wann|wo ist|hauptstadt|cos'è|chi è|qual è|quando|o que é|quem|wat is|wie is|"
        "co to jest|kto|kiedy|что такое|кто|когда|столиц|什么是|是什么|谁|哪里|首都|とは|"
        "誰|いつ|どこ|首都は|무엇|누구|언제|수도|ما هو|ما هي|من هو|عاصمة|क्या है|कौन|"
        "राजधानी|nedir|kim|başkent"
    ),
    "chat": (
        "hello|hi|hey|thanks|thank you|good morning|good evening|how are you|bye|hola|"
        "gracias|bonjour|salut|merci|hallo|danke|guten|ciao|grazie|olá|obrigad|dank je|"
        "cześć|dzięki|привет|спасибо|你好|谢谢|こんにちは|ありがとう|おはよう|안녕|감사|"
        "مرحبا|شكرا|नमस्ते|धन्यवाद|merhaba|teşekkür"
    ),
    "data": (
        "csv|table|spreadsheet|dataset|column|rows|excel|chart|plot|pivot|average of|"
        "json|dataframe|statistics|tabla|datos|tableau|données|tabelle|daten|tabella|"
        "dati|tabela|dados|таблиц|данные|表格|数据|图表|表を|データ|표|데이터|جدول|"
        "بيانات|तालिका|डेटा|tablo|veri"
    ),
    "agentic": (
        "then open|step by step do|book a|schedule|search the web|browse|run the command|"
        "deploy|create a file|use the tool|call the|automate|workflow|agent|"
        "send an email to|and then|monitor|reserva|automatiza|recherche sur|automatis|"
        "buche|cerca sul|pesquise|boek|zarezerwuj|забронируй|автоматизир|预订|自动|部署|"
        "予約|自動|예약|자동|احجز|बुक|rezervasyon|otomatik"
    ),
}

HARD: str = (
    "prove|proof|rigorous|theorem|lemma|asymptotic|np-hard|concurren|distributed|"
    "consensus|race condition|deadlock|lock-free|byzantine|eigenvalue|manifold|"
    "homomorphism|stochastic|bayesian|optimise|optimize|trade-off|tradeoff|"
    "root cause|architecture|formal|derive|complexity|edge cases|security review|"
    "thread-safe|differential|quantum|regulat|liabilit|jurisdiction|multi-tenant|"
    "migration plan|demuestra|démontre|beweise|dimostra|udowodnij|докажи|теорем|证明|"
    "定理|証明|증명|أثبت|सिद्ध|kanıtla"
)
EASY: str = (
    "capital of|what time|spell|synonym|translate|uppercase|lowercase|rename|hello|"
    "thanks|what day|define|how do you say|count the|first line|last line|sort these|"
    "convert|hauptstadt|capitale|首都|수도|столиц|traduce|traduis|übersetze|翻译|"
    "翻訳|번역"
)
